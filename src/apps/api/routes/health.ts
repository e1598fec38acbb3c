import { type FaultCode, faults } from '../../../domain/fault.ts';
import type { Annal, Health } from '../../annal.ts';
import { sendFacts } from '../answer.ts';
import { liveAnswer, metricsAnswer, readyAnswers } from '../answers/about.ts';
import type { Metrics } from '../metrics.ts';
import type { Api } from '../request.ts';

export interface HealthRoutes {
  readonly metrics: Metrics;
  /** Whether anybody who can ask for readiness may know addresses and positions too. */
  readonly detailed: boolean;
}

/** Probes of an orchestrator, and what Prometheus scrapes. */
export function healthRoutes(app: Api, annal: Annal, { metrics, detailed }: HealthRoutes): void {
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
      const { ready, reasons, degraded } = await annal.health();
      const told = (all: Health['reasons']): Health['reasons'] =>
        detailed ? all : all.map(({ code }) => ({ code, detail: aboutOf(code) }));
      return sendFacts(reply, ready ? 200 : 503, {
        ready,
        reasons: told(reasons),
        ...(degraded === undefined ? {} : { degraded: told(degraded) }),
      });
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

const aboutOf = (code: string): string =>
  Object.hasOwn(faults, code) ? faults[code as FaultCode].about : 'see the log of the server';
