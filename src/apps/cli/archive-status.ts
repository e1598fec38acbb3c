import { ask } from './call.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { counted, tableText } from './print.ts';
import { type Options, type Run, type Session, textOf } from './session.ts';

interface Lane {
  readonly partition: number;
  readonly lag: number;
  readonly archived: number;
  readonly logEnd: number;
  readonly logFirst: number;
  readonly ageMs: number;
  readonly lastSegment: number | null;
  readonly tree: { readonly size: number } | null;
  readonly checkpoint: {
    readonly size: number;
    readonly at: number;
    readonly signedBy: readonly string[];
  } | null;
  readonly fault: { readonly code: string; readonly detail: string } | null;
}

interface Missing {
  readonly kind: 'hole' | 'gap';
  readonly epoch: number;
  readonly partition: number;
  readonly first: number;
  readonly next: number;
}

interface Told {
  readonly items: readonly Lane[];
  readonly missing: readonly Missing[];
}

const ageMaxDefault = 300;

/** How far the archive is, lane by lane. Ends with 6 where somebody has to look at it, and says why. */
export const run: Run = async (session, _args, options) => {
  const ageMaxMs = secondsOf(options) * 1_000;
  await using connection = await connect(session, { settled: false });
  const { text } = await ask(connection.call, 'GET', '/v1/archive', { signal: session.io.signal });
  const told = JSON.parse(text) as Told;
  const alarms = alarmsOf(told, ageMaxMs);
  if (session.output === 'json') await session.write(`${JSON.stringify({ ...told, alarms })}\n`);
  else if (session.output === 'ndjson')
    for (const item of [...told.items, ...told.missing]) await session.write(`${JSON.stringify(item)}\n`);
  else await session.write(await statusText(session, told));
  for (const alarm of alarms) session.note(`annal: ${alarm}`);
  return alarms.length === 0 ? exitCodes.ok : exitCodes.differs;
};

function secondsOf(options: Options): number {
  const text = textOf(options, 'ageMax');
  if (text === undefined) return ageMaxDefault;
  if (!/^[0-9]{1,9}$/.test(text)) throw usage(`--age-max ${JSON.stringify(text)} is no number of seconds`);
  return Number(text);
}

const seconds = (ms: number): string => `${Math.round(ms / 1_000).toLocaleString('en')} s`;

/** What somebody has to look at. A hole is none: offsets of a log may be sparse. */
function alarmsOf({ items, missing }: Told, ageMaxMs: number): string[] {
  const gaps = missing.filter(({ kind }) => kind === 'gap');
  return [
    ...items.flatMap(({ partition, fault, lag, ageMs, archived, logFirst }) => [
      ...(fault === null ? [] : [`partition ${partition}: ${fault.code}: ${fault.detail}`]),
      ...(ageMs > ageMaxMs
        ? [
            `ARCHIVE_BEHIND: partition ${partition}: ${counted(lag, 'event')}, the oldest waits for ${seconds(ageMs)}`,
          ]
        : []),
      ...(logFirst > archived
        ? [
            `ARCHIVE_GAP: partition ${partition}: offsets ${archived} to ${logFirst - 1} are gone from the log`,
          ]
        : []),
    ]),
    ...gaps.map(
      ({ epoch, partition, first, next }) =>
        `ARCHIVE_GAP: ${epoch}-${partition}: offsets ${first} to ${next - 1} were dropped before they were archived`,
    ),
  ];
}

async function statusText(session: Session, { items, missing }: Told): Promise<string> {
  const now = Date.now();
  const head = [
    'PARTITION',
    'LOG END',
    'ARCHIVED',
    'LAG',
    'WAITING',
    'SEGMENT',
    'LEAVES',
    'SIGNED',
    'AGO',
    'STATE',
    'BY',
  ];
  const rows = items.map(
    ({ partition, lag, archived, logEnd, ageMs, lastSegment, tree, checkpoint, fault }) => [
      String(partition),
      String(logEnd),
      String(archived),
      lag.toLocaleString('en'),
      lag === 0 ? '-' : seconds(ageMs),
      String(lastSegment ?? '-'),
      tree === null ? '-' : tree.size.toLocaleString('en'),
      checkpoint === null ? '-' : checkpoint.size.toLocaleString('en'),
      checkpoint === null ? '-' : seconds(Math.max(0, now - checkpoint.at)),
      fault?.code ?? 'ok',
      checkpoint?.signedBy.join(' ') || '-',
    ],
  );
  const table = await tableText(session, head, rows);
  if (missing.length === 0) return table;
  const lost = await tableText(
    session,
    ['MISSING', 'EPOCH', 'PARTITION', 'OFFSETS'],
    missing.map(({ kind, epoch, partition, first, next }) => [
      kind,
      String(epoch),
      String(partition),
      `${first}-${next - 1}`,
    ]),
  );
  return `${table}\n${lost}`;
}
