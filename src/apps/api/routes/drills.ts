import { z } from 'zod';
import { Fault } from '../../../domain/fault.ts';
import type { Annal } from '../../annal.ts';
import { drillMarkdown } from '../../drill-markdown.ts';
import { sendFacts } from '../answer.ts';
import { drillAnswer, drillRequest, drillsAnswer, keptAnswer } from '../answers/drills.ts';
import type { Api } from '../request.ts';

const config = { needs: 'operate' } as const;
const tags = ['operations'];
const listedMax = 50;

/** Reports of recoveries and drills. */
export function drillRoutes(app: Api, annal: Annal): void {
  app.get(
    '/v1/drills',
    { config, schema: { summary: 'List recoveries and drills, newest first', tags, response: drillsAnswer } },
    async (_request, reply) => {
      const items = (await annal.drills(listedMax)).map(({ report, signedBy }) => ({ ...report, signedBy }));
      return sendFacts(reply, 200, { items });
    },
  );
  app.get(
    '/v1/drills/:id/report',
    {
      config,
      schema: {
        summary: 'Read the report of a recovery or drill, signed',
        tags,
        params: z.strictObject({ id: z.string().max(64) }),
        response: drillAnswer,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const kept = await annal.drillOf(id);
      if (kept === undefined) throw new Fault('OPERATION_UNKNOWN', { id });
      return sendFacts(reply, 200, { ...kept, markdown: drillMarkdown(kept) });
    },
  );
  app.post(
    '/v1/drills',
    {
      config,
      schema: {
        summary: 'Keep the report of a drill beside the archive',
        tags,
        body: drillRequest,
        response: keptAnswer,
      },
    },
    async (request, reply) => {
      const { report } = await annal.keepDrill(request.body.note);
      return sendFacts(reply, 200, { id: report.id });
    },
  );
}
