import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Cut, parseCut } from '../../../domain/cut.ts';
import { Fault, isFault } from '../../../domain/fault.ts';
import { formatTime } from '../../../domain/moment.ts';
import { outcomes } from '../../../domain/outcome.ts';
import { formatPosition, type Position } from '../../../domain/position.ts';
import type { Hit } from '../../../ports/read-model.ts';
import { eventId } from '../../../projections/history.ts';
import { type EventSearch, eventQuery } from '../../../projections/queries.ts';
import type { Annal } from '../../annal.ts';
import { type Member, membersOf, sendMembers, textOf } from '../answer.ts';
import { eventAnswer, eventsAnswer } from '../answers/events.ts';
import { ok } from '../answers/shape.ts';
import { nextCursor, readCursor } from '../cursor.ts';
import { follow } from '../follow.ts';
import { resolveMoment } from '../moments.ts';
import { checkedPosition, cursor, limit, moment, named, repeatable, text, wait } from '../parameters.ts';
import { notBuilt, reading } from '../reading.ts';
import { type Api, mayRead, nameCut, readableBy } from '../request.ts';
import type { Waiting } from '../waiting.ts';

const listShape = z.strictObject({
  urn: repeatable(text),
  type: repeatable(text),
  aspect: repeatable(text),
  actor: repeatable(text).meta({ description: 'URN of an actor, or its last part' }),
  namespace: repeatable(text),
  outcome: repeatable(z.enum(outcomes)),
  since: moment('appended at or after'),
  until: moment('appended before'),
  order: z.enum(['asc', 'desc']).optional().meta({ description: 'by append time; newest first by default' }),
  limit: limit(1_000, 50),
  cursor,
  after: z
    .string()
    .max(8_192)
    .optional()
    .meta({ description: 'only events behind this cut, oldest first; with `wait` as soon as there is one' }),
  wait,
});
type Listed = z.output<typeof listShape>;

export interface EventRoutes {
  readonly waiting: Waiting;
  readonly now: () => number;
}

export function eventRoutes(app: Api, annal: Annal, routes: EventRoutes): void {
  listRoute(app, annal, routes);
  oneRoute(app, annal, routes);
}

function listRoute(app: Api, annal: Annal, { waiting, now }: EventRoutes): void {
  const schema = {
    summary: 'Read the log: who changed what, when, and what became of it',
    description: 'Newest first, a page at a time. With `after` and `wait`: a long poll.',
    tags: ['events'],
    querystring: listShape,
    response: ok(eventsAnswer),
  };
  app.get('/v1/events', { config: { needs: 'read', reads: 'history' }, schema }, async (request, reply) => {
    const asked = request.query;
    const from = startOf(annal, asked);
    const range = await rangeOf(annal, request, asked, now());
    const search = { ...searchOf(asked), ...range };
    const readable = readableBy(request);
    if (from !== undefined) {
      const gone = (): boolean => request.raw.destroyed;
      const waitMs = asked.wait ?? 0;
      const found = await follow({ annal, search, readable, from, waitMs, waiting, gone });
      nameCut(reply, found.cut);
      return sendMembers(reply, 200, listed(found.hits, found.total, range, undefined));
    }
    const { limit: _limit, cursor: given, ...question } = asked;
    const before = readCursor(given, question);
    const paged = { ...search, ...(before === undefined ? {} : { after: before.after }) };
    const page = await reading(annal, 'history', (index) => index.query(eventQuery(paged, readable)));
    const next = nextCursor(page, before, question);
    return sendMembers(reply, 200, listed(page.hits, page.total, range, next));
  });
}

function oneRoute(app: Api, annal: Annal, { waiting }: EventRoutes): void {
  const schema = {
    summary: 'Read one event and its outcome',
    tags: ['events'],
    params: z.strictObject({ position: z.string().meta({ examples: ['1-0-42'] }) }),
    querystring: z.strictObject({ wait }),
    response: ok(eventAnswer),
  };
  app.get(
    '/v1/events/:position',
    { config: { needs: 'read', reads: 'history' }, schema },
    async (request, reply) => {
      const position = checkedPosition(request.params.position);
      const readable = readableBy(request);
      const body = await eventAt(annal, position, request.query.wait ?? 0, waiting);
      const members = body === undefined ? undefined : membersOf(body);
      if (members === undefined || !mayRead(readable, textOf(members, 'namespace')))
        throw new Fault('EVENT_NOT_FOUND', { position: formatPosition(position) });
      nameCut(reply, await annal.cut('history'));
      return sendMembers(reply, 200, [...members]);
    },
  );
}

/** The cut to go on from, where one was given. Throws `CUT_INVALID`, and `QUERY_INVALID` for what does not go with it. */
function startOf(annal: Annal, asked: Listed): Cut | undefined {
  const refuse = (why: string): never => {
    throw new Fault('QUERY_INVALID', { why });
  };
  if (asked.after === undefined) return asked.wait === undefined ? undefined : refuse('wait needs after');
  if (asked.cursor !== undefined || asked.order === 'desc')
    refuse('what is after a cut is read oldest first and without a cursor');
  const cut = parseCut(asked.after);
  const epoch = cut === undefined ? undefined : annal.epochs.find((known) => known.epoch === cut.epoch);
  if (cut === undefined || epoch === undefined || epoch.partitions !== cut.next.length)
    throw new Fault('CUT_INVALID', { given: asked.after.slice(0, 128).toWellFormed() });
  return cut;
}

type Range = Pick<EventSearch, 'since' | 'until'>;

async function rangeOf(annal: Annal, request: FastifyRequest, asked: Listed, now: number): Promise<Range> {
  const range: { since?: number; until?: number } = {};
  for (const name of ['since', 'until'] as const) {
    const given = asked[name];
    if (given !== undefined) range[name] = (await resolveMoment(annal, request, name, given, now)).time;
  }
  return range;
}

function searchOf(asked: Listed): EventSearch {
  const { urn, type, aspect, namespace, outcome } = asked;
  const actor = named(asked.actor, 'corpuser', 'corpGroup');
  return {
    order: asked.order ?? (asked.after === undefined ? 'desc' : 'asc'),
    limit: asked.limit,
    ...(urn === undefined ? {} : { urn }),
    ...(type === undefined ? {} : { type }),
    ...(aspect === undefined ? {} : { aspect }),
    ...(actor === undefined ? {} : { actor }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

/** A page as an answer: stored bodies as they are, and the range that was meant, in UTC. */
export function listed(
  hits: readonly Hit[],
  total: number,
  range: Range | undefined,
  next: string | undefined,
): Member[] {
  const time = (at: number | undefined): string | null => (at === undefined ? null : formatTime(at));
  const told = range && JSON.stringify({ since: time(range.since), until: time(range.until) });
  return [
    ['items', `[${hits.map(({ body }) => body.toString('utf8')).join(',')}]`],
    ['total', String(total)],
    ...(told === undefined ? [] : [['range', told] as const]),
    ...(next === undefined ? [] : [['next', JSON.stringify(next)] as const]),
  ];
}

/**
 * The stored document of an event; undefined where there is none. Throws `EVENT_NOT_YET` when the index has not come to
 * the position within `waitMs`.
 */
async function eventAt(
  annal: Annal,
  position: Position,
  waitMs: number,
  waiting: Waiting,
): Promise<Buffer | undefined> {
  const id = eventId(position);
  const load = async (): Promise<Buffer | undefined> => {
    try {
      return (await reading(annal, 'history', (index) => index.load([id]))).get(id)?.body;
    } catch (error) {
      if (isFault(error, 'MODEL_UNAVAILABLE') && error.facts.reason === notBuilt) return undefined;
      throw error;
    }
  };
  const first = await load();
  if (first !== undefined) return first;
  const epoch = annal.epochs.find((known) => known.epoch === position.epoch);
  if (epoch === undefined || position.partition >= epoch.partitions) return undefined;
  const reached = await waiting.for(annal.reached('history', position, waitMs));
  const body = await load();
  if (body === undefined && reached !== true)
    throw new Fault('EVENT_NOT_YET', { position: formatPosition(position) });
  return body;
}
