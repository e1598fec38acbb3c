import { isBefore, parseCut } from '../../domain/cut.ts';
import { parsePosition } from '../../domain/position.ts';
import { ask, type Call } from './call.ts';
import { connect } from './connect.ts';
import { eventTable, type ToldEvent } from './event-table.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure, usage } from './failure.ts';
import { itemLines } from './item-lines.ts';
import { echoRange, momentOf, type Range } from './moments.ts';
import { counted } from './print.ts';
import { isSet, type Options, type Run, type Session, textOf, textsOf } from './session.ts';

interface Page {
  readonly items: readonly ToldEvent[];
  readonly total: number;
  readonly range: Range;
  readonly next?: string;
  readonly cut: string | null;
}

interface Reading {
  readonly session: Session;
  readonly call: Call;
  readonly filters: Readonly<Record<string, readonly string[]>>;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly limit: number;
  readonly follow: boolean;
}

const pageMax = 1_000;
const limitDefault = 50;
const waitText = '20s';

/** The newest events, or those of a range; with `--follow` what comes after them as well. Always oldest first. */
export const run: Run = async (session, _args, options) => {
  const follow = isSet(options, 'follow');
  const limit = limitOf(options);
  const [since, until] = [momentOf(options, 'since', '--since'), momentOf(options, 'until', '--until')];
  if (follow && until !== undefined) throw usage('--follow has no end, --until is one');
  if (follow && session.output === 'json') throw usage('--follow writes a table or ndjson');
  const names = ['urn', 'type', 'aspect', 'actor', 'namespace', 'outcome'];
  const filters = Object.fromEntries(names.map((name) => [name, textsOf(options, name)]));
  await using connection = await connect(session);
  const all = follow && since !== undefined ? Number.POSITIVE_INFINITY : limitDefault;
  const reading = { session, call: connection.call, filters, since, until, follow, limit: limit ?? all };
  const { shown, total, cut } = since === undefined ? await newest(reading) : await range(reading);
  if (!follow) {
    session.note(`${counted(shown, 'event')} of ${total.toLocaleString('en')}, as of ${cut ?? 'no cut'}`);
    return exitCodes.ok;
  }
  if (connection.here)
    session.note('nothing runs in this data folder, and this command holds it: `annal start` lets others in');
  const left = limit === undefined ? Number.POSITIVE_INFINITY : limit - shown;
  await following(reading, cut, left);
  return exitCodes.ok;
};

function limitOf(options: Options): number | undefined {
  const text = textOf(options, 'limit');
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) === 0) throw usage(`--limit ${text} is no number from 1 on`);
  return Number(text);
}

interface Shown {
  readonly shown: number;
  readonly total: number;
  readonly cut: string | null;
}

/** The last `limit` events, turned round; as JSON the answer as it is. */
async function newest(reading: Reading): Promise<Shown> {
  const { session, limit, until } = reading;
  const page = await read(reading, { order: 'desc', limit: Math.min(limit, pageMax), until });
  const { total, cut } = page.told;
  echoRange(session, page.told.range);
  if (session.output === 'json') {
    await session.write(`${page.text}\n`);
    return { shown: page.told.items.length, total, cut };
  }
  const events = shownOf(page, reading.follow ? cut : null).reverse();
  await print(session, events, true);
  return { shown: events.length, total, cut };
}

/** From `since` on, page by page. JSON is one document, so of it there is one page. */
async function range(reading: Reading): Promise<Shown> {
  const { session, limit, since, until, follow } = reading;
  let [shown, cursor]: [number, string | undefined] = [0, undefined];
  let cut: string | null = null;
  for (;;) {
    const asked = { order: 'asc', limit: Math.min(limit - shown, pageMax), since, until, cursor };
    const page = await read(reading, asked);
    const { total, next } = page.told;
    if (cursor === undefined) echoRange(session, page.told.range);
    if (session.output === 'json') {
      await session.write(`${page.text}\n`);
      return { shown: page.told.items.length, total, cut: page.told.cut };
    }
    cut ??= page.told.cut;
    const events = shownOf(page, follow ? cut : null);
    await print(session, events, shown === 0);
    shown += events.length;
    if (next === undefined || shown >= limit) return { shown, total, cut };
    cursor = next;
  }
}

/** What comes after `from`, as it comes; ends after `left` events. */
async function following(reading: Reading, from: string | null, left: number): Promise<void> {
  let cut = from;
  for (let waiting = left; waiting > 0; ) {
    if (cut === null) throw new Failure({ code: 'MODEL_UNAVAILABLE', detail: 'no index serves yet' });
    const page = await read(reading, { after: cut, wait: waitText, limit: Math.min(waiting, pageMax) });
    const events = shownOf(page, null);
    await print(reading.session, events, false);
    waiting -= events.length;
    cut = page.told.cut;
  }
}

async function read(
  { session, call, filters }: Reading,
  query: Readonly<Record<string, string | number | undefined>>,
): Promise<{ told: Page; text: string }> {
  const { text } = await ask(call, 'GET', '/v1/events', {
    query: { ...filters, ...query },
    signal: session.io.signal,
  });
  return { told: JSON.parse(text) as Page, text };
}

interface ShownEvent {
  readonly event: ToldEvent;
  /** As it stands in the answer. */
  readonly line: string;
}

/** The events of a page. With `end`, those before that cut alone: the others come again to who follows from there. */
function shownOf({ told, text }: { told: Page; text: string }, end: string | null): ShownEvent[] {
  const cut = end === null ? undefined : parseCut(end);
  const lines = [...itemLines(text)];
  return told.items
    .map((event, at) => ({ event, line: lines[at]! }))
    .filter(({ event }) => {
      const position = parsePosition(event.position);
      return cut === undefined || position === undefined || isBefore(position, cut);
    });
}

async function print(session: Session, events: readonly ShownEvent[], first: boolean): Promise<void> {
  if (events.length === 0) return undefined;
  if (session.output === 'ndjson') return session.write(events.map(({ line }) => line).join(''));
  const table = await eventTable(
    session,
    events.map(({ event }) => event),
    true,
  );
  return session.write(first ? table : table.slice(table.indexOf('\n') + 1));
}
