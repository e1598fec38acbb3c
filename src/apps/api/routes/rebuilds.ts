import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { formatCut } from '../../../domain/cut.ts';
import { Fault } from '../../../domain/fault.ts';
import type { Annal, Operation } from '../../annal.ts';
import { reportMarkdown } from '../../report-markdown.ts';
import { cutIn } from '../../statuses.ts';
import { sendFacts } from '../answer.ts';
import {
  cancelAnswer,
  followAnswer,
  rebuildsAnswer,
  reportAnswer,
  retireAnswer,
  rollbackAnswer,
} from '../answers/rebuilds.ts';
import type { Api } from '../request.ts';
import type { Waiting } from '../waiting.ts';
import { endOf, operationFacts } from './operations.ts';

const config = { needs: 'operate' } as const;
const tags = ['operations'];
const ofRebuild = z.strictObject({ id: z.string().max(64) });
const ofProjection = z.strictObject({ projection: z.string().min(1).max(64) });

/** Rebuilds wherever they run, their reports, and the way back. */
export function rebuildRoutes(app: Api, annal: Annal, waiting: Waiting): void {
  app.get(
    '/v1/rebuilds',
    {
      config,
      schema: {
        summary: 'List rebuilds, newest first: what runs or was left, here or elsewhere, and what is done',
        tags,
        response: rebuildsAnswer,
      },
    },
    async (_request, reply) => sendFacts(reply, 200, { items: (await annal.rebuilds()).map(operationFacts) }),
  );
  app.delete(
    '/v1/rebuilds/:id',
    {
      config,
      schema: {
        summary: 'Cancel a rebuild that runs or was left; nothing of it stays',
        tags,
        params: ofRebuild,
        response: cancelAnswer,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await annal.cancel(id);
      return sendFacts(reply, 200, { id, cancelled: true });
    },
  );
  app.get(
    '/v1/rebuilds/:id/report',
    {
      config,
      schema: {
        summary: 'Read the report of a rebuild, signed',
        tags,
        params: ofRebuild,
        response: reportAnswer,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const kept = await annal.report(id);
      if (kept === undefined) throw new Fault('OPERATION_UNKNOWN', { id });
      return sendFacts(reply, 200, { ...kept, markdown: reportMarkdown(kept) });
    },
  );
  followRoute(app, annal, waiting);
  servingRoutes(app, annal);
}

const lookMs = 500;

function followRoute(app: Api, annal: Annal, waiting: Waiting): void {
  const schema = {
    summary: 'Follow a rebuild to its end as server-sent events',
    tags,
    params: ofRebuild,
    response: followAnswer,
  };
  app.get('/v1/rebuilds/:id/events', { config, schema }, async (request, reply) => {
    const { id } = request.params;
    const found = await annal.rebuildOf(id);
    if (found === undefined) throw new Fault('OPERATION_UNKNOWN', { id });
    const { raw } = request;
    const events = eventsOf(annal, found, waiting, () => raw.destroyed, reply.request.cut);
    return sendEvents(reply, events);
  });
}

const sendEvents = (reply: FastifyReply, events: AsyncIterable<string>): FastifyReply =>
  reply.header('content-type', 'text/event-stream; charset=utf-8').send(Readable.from(events));

/** One event whenever something changed, until it ends, its reader has gone, or the server closes. */
async function* eventsOf(
  annal: Annal,
  begun: Operation,
  waiting: Waiting,
  gone: () => boolean,
  cut: string | null,
): AsyncGenerator<string> {
  let last = '';
  for (
    let found: Operation | undefined = begun;
    found !== undefined;
    found = await annal.rebuildOf(begun.id)
  ) {
    const text = JSON.stringify({ ...operationFacts(found), cut });
    const isOver = found.state !== 'running';
    if (text !== last || isOver) yield `event: ${isOver ? found.state : 'progress'}\ndata: ${text}\n\n`;
    last = text;
    if (isOver || gone() || waiting.over) return;
    await waiting.within(lookMs, endOf(annal, begun.id));
  }
}

function servingRoutes(app: Api, annal: Annal): void {
  app.post(
    '/v1/projections/:projection/rollback',
    {
      config,
      schema: {
        summary: 'Let the index serve again that served before, from where it stands',
        tags,
        params: ofProjection,
        response: rollbackAnswer,
      },
    },
    async (request, reply) => {
      const back = await annal.rollback(request.params.projection);
      const stands = cutIn(back.lanes, annal.epochs);
      return sendFacts(reply, 200, { ...back, stands: stands === null ? null : formatCut(stands) });
    },
  );
  app.post(
    '/v1/projections/:projection/retire',
    {
      config,
      schema: {
        summary: 'Drop an index that is kept: the one that served before, or the named one at a past cut',
        tags,
        params: ofProjection,
        body: z
          .strictObject({ index: z.string().min(1).max(160).optional() })
          .meta({ examples: [{}, { index: 'entities-v1-a1b2c3' }] }),
        response: retireAnswer,
      },
    },
    async (request, reply) => {
      const { projection } = request.params;
      const retired = await annal.retire(projection, request.body.index);
      return sendFacts(reply, 200, { projection, retired });
    },
  );
}
