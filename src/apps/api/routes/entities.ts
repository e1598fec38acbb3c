import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Fault } from '../../../domain/fault.ts';
import { urnFault } from '../../../domain/urn.ts';
import { eventQuery } from '../../../projections/queries.ts';
import type { Annal } from '../../annal.ts';
import { type Member, membersOf, sendMembers, textOf } from '../answer.ts';
import { entityAnswer } from '../answers/entities.ts';
import { eventsAnswer } from '../answers/events.ts';
import { ok } from '../answers/shape.ts';
import { entityAsOf } from '../as-of.ts';
import { nextCursor, readCursor } from '../cursor.ts';
import { object } from '../json-object.ts';
import { momentFacts, resolveMoment } from '../moments.ts';
import { nearMatches } from '../near.ts';
import { checkedUrn, cursor, limit, moment } from '../parameters.ts';
import { reading } from '../reading.ts';
import { type Api, mayRead, nameCut, readableBy } from '../request.ts';
import { summaryOf } from '../summary.ts';
import { listed } from './events.ts';

export const params = z.strictObject({
  urn: z.string().meta({
    description: 'percent-encoded',
    examples: ['urn:li:dataset:(urn:li:dataPlatform:hive,shop.orders,PROD)'],
  }),
});

export function entityRoutes(app: Api, annal: Annal, now: () => number): void {
  const schema = {
    summary: 'Read an entity: as it is, or as it was at a moment',
    tags: ['entities'],
    params,
    querystring: z.strictObject({ 'as-of': moment('as it was then') }),
    response: ok(entityAnswer),
  };
  const config = { needs: 'read', reads: 'entities' } as const;
  app.get('/v1/entities/:urn', { config, schema }, async (request, reply) => {
    const urn = await urnOf(annal, request, request.params.urn);
    const asOf = request.query['as-of'];
    return asOf === undefined
      ? sendCurrent(annal, request, reply, urn)
      : sendAsOf(annal, request, reply, { urn, asOf, now: now() });
  });
  historyRoute(app, annal);
}

function historyRoute(app: Api, annal: Annal): void {
  const schema = {
    summary: 'Read the events of an entity, newest first',
    tags: ['entities'],
    params,
    querystring: z.strictObject({ limit: limit(1_000, 50), cursor }),
    response: ok(eventsAnswer),
  };
  app.get(
    '/v1/entities/:urn/history',
    { config: { needs: 'read', reads: 'history' }, schema },
    async (request, reply) => {
      const urn = await urnOf(annal, request, request.params.urn);
      const readable = readableBy(request);
      const { limit: most, cursor: given } = request.query;
      const before = readCursor(given, { urn });
      const search = {
        urn: [urn],
        order: 'desc',
        limit: most,
        ...(before === undefined ? {} : { after: before.after }),
      } as const;
      const page = await reading(annal, 'history', (index) => index.query(eventQuery(search, readable)));
      if (page.total === 0) throw await notFound(annal, request, urn, {});
      return sendMembers(
        reply,
        200,
        listed(page.hits, page.total, undefined, nextCursor(page, before, { urn })),
      );
    },
  );
}

/** The URN of the path, or a refusal that names what was probably meant. */
export async function urnOf(annal: Annal, request: FastifyRequest, given: string): Promise<string> {
  const reason = urnFault(given);
  if (reason === undefined) return checkedUrn(given);
  const near = given.length <= 512 && given.isWellFormed() ? await meant(annal, request, given) : [];
  throw new Fault('URN_INVALID', { urn: given.slice(0, 256).toWellFormed(), reason, near: some(near) });
}

async function sendCurrent(
  annal: Annal,
  request: FastifyRequest,
  reply: FastifyReply,
  urn: string,
): Promise<FastifyReply> {
  const readable = readableBy(request);
  const { index, document } = await reading(annal, 'entities', async (serving) => ({
    index: serving.name,
    document: (await serving.load([urn])).get(urn),
  }));
  const members = document === undefined ? undefined : membersOf(document.body);
  if (document === undefined || members === undefined || !mayRead(readable, textOf(members, 'namespace')))
    throw await notFound(annal, request, urn, {});
  if (members.get('deleted') === 'true')
    throw new Fault('ENTITY_DELETED', { urn, position: textOf(members, 'changed') });
  const tag = `W/"${index}:${textOf(members, 'position')}"`;
  reply.header('etag', tag);
  if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send();
  members.delete('ids');
  return sendMembers(reply, 200, [...members, ...namesIn(document.body)]);
}

/** What people call it: read from its values, as a search tells it. */
function namesIn(body: Buffer): Member[] {
  const { name, platform } = summaryOf(body);
  return [
    ['name', JSON.stringify(name)],
    ['platform', JSON.stringify(platform)],
  ];
}

const matches = (given: string | undefined, tag: string): boolean =>
  given !== undefined &&
  (given.trim() === '*' || given.split(',').some((one) => one.trim().replace(/^W\//, '') === tag.slice(2)));

async function sendAsOf(
  annal: Annal,
  request: FastifyRequest,
  reply: FastifyReply,
  { urn, asOf, now }: { readonly urn: string; readonly asOf: string; readonly now: number },
): Promise<FastifyReply> {
  nameCut(reply, await annal.cut('history'));
  const at = await resolveMoment(annal, request, 'as-of', asOf, now);
  const members = await entityAsOf(annal, urn, at, readableBy(request));
  if (members === undefined) throw await notFound(annal, request, urn, { asOf: momentFacts(at) });
  const names = namesIn(Buffer.from(object(members)));
  return sendMembers(reply, 200, [...members, ...names, ['asOf', JSON.stringify(momentFacts(at))]]);
}

export async function notFound(
  annal: Annal,
  request: FastifyRequest,
  urn: string,
  facts: Readonly<Record<string, unknown>>,
): Promise<Fault> {
  const near = await meant(annal, request, urn);
  return new Fault('ENTITY_NOT_FOUND', { urn, ...facts, near: some(near.filter((found) => found !== urn)) });
}

const meant = (annal: Annal, request: FastifyRequest, urn: string): Promise<string[]> =>
  reading(annal, 'entities', (index) => nearMatches(index, urn, readableBy(request)));

const some = (urns: readonly string[]): readonly string[] | undefined =>
  urns.length === 0 ? undefined : urns;
