import type { Annal } from '../../annal.ts';
import { sendFacts } from '../answer.ts';
import { liveAnswer, metricsAnswer, readyAnswers } from '../answers.ts';
import type { Metrics } from '../metrics.ts';
import type { Api } from '../request.ts';

/** Probes of an orchestrator, and what Prometheus scrapes. */
export function healthRoutes(app: Api, annal: Annal, metrics: Metrics): void {
  app.get(
    '/livez',
    {
      config: { needs: 'open' },
      schema: { summary: 'Whether the process answers', tags: ['about'], response: liveAnswer },
    },
    async (_request, reply) => sendFacts(reply, 200, { live: true }),
  );
  app.get(
    '/readyz',
    {
      config: { needs: 'open' },
      schema: { summary: 'Whether everything it needs is there', tags: ['about'], response: readyAnswers },
    },
    async (_request, reply) => {
      const { ready, reasons } = await annal.health();
      return sendFacts(reply, ready ? 200 : 503, { ready, reasons });
    },
  );
  app.get(
    '/metrics',
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Read metrics in the text form of Prometheus',
        tags: ['about'],
        response: metricsAnswer,
      },
    },
    async (_request, reply) =>
      reply.header('content-type', metrics.contentType).send(await metrics.read(annal)),
  );
}
