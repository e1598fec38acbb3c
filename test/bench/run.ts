// npm run bench [-- NAME…] [--rounds N] [--events N] [--side SIDE] [--quick] [--clone] : measures rows, all but `clone` unless
// some are named.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ServerKind } from '../services/addresses.ts';
import { startReaper } from '../services/native/reaper.ts';
import type { RunningServer } from '../services/running-server.ts';
import { startServer } from '../services/servers.ts';
import { eventsDefault } from './data.ts';
import { load, machine } from './measure.ts';
import type { BenchContext, Figure, Row } from './row.ts';
import { archive } from './rows/archive.ts';
import { clone } from './rows/clone.ts';
import { datahubRow } from './rows/datahub.ts';
import { fold } from './rows/fold.ts';
import { help } from './rows/help.ts';
import { history } from './rows/history.ts';
import { intake } from './rows/intake.ts';
import { lineage } from './rows/lineage.ts';
import { rebuild } from './rows/rebuild.ts';
import { scan } from './rows/scan.ts';
import { searches } from './rows/searches.ts';
import { start } from './rows/start.ts';
import { verify } from './rows/verify.ts';

const rows: readonly Row[] = [
  help,
  start,
  intake,
  datahubRow,
  archive,
  verify,
  fold,
  rebuild,
  searches,
  history,
  lineage,
  scan,
  clone,
];
const roundsDefault = 3;
const quickEvents = 20_000;
const heapMiB = 2_048;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    events: { type: 'string' },
    side: { type: 'string' },
    quick: { type: 'boolean', default: false },
    clone: { type: 'boolean', default: false },
  },
});
const { quick } = values;
const count = (name: 'rounds' | 'events', fallback: number): number => {
  const given = Number(values[name] ?? fallback);
  if (!Number.isInteger(given) || given < 1) throw new RangeError(`--${name} ${values[name]}`);
  return given;
};
const unknown = positionals.filter((name) => rows.every((row) => row.name !== name));
if (unknown.length > 0)
  throw new RangeError(`no row ${unknown.join(', ')}; there are ${rows.map(({ name }) => name).join(', ')}`);
const named = positionals.length === 0 ? rows.filter(({ name }) => name !== 'clone') : positionals;
const wanted = rows.filter((row) => named.some((one) => one === row || one === row.name));
if (values.clone && !wanted.includes(clone)) wanted.push(clone);

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function shown({ what, measured, beside, ratio, target }: Figure): string {
  const facts = [
    `  ${what.padEnd(44)} ${measured}`,
    ...(beside === undefined ? [] : [beside]),
    ...(ratio === undefined ? [] : [`ratio ${ratio.toFixed(2)}`]),
    ...(target === undefined ? [] : [`target ${target}`]),
  ];
  return facts.join(' · ');
}

const folder = await mkdtemp(join(tmpdir(), 'annal-bench-'));
const reaper = startReaper(folder);
const servers = new Map<ServerKind, Promise<RunningServer>>();
const context: BenchContext = {
  quick,
  side: values.side,
  folder,
  rounds: count('rounds', quick ? 1 : roundsDefault),
  events: count('events', quick ? quickEvents : eventsDefault),
  async server(kind) {
    const given = kind === 'elasticsearch' && !quick ? { heapMiB } : {};
    if (!servers.has(kind)) servers.set(kind, startServer(kind, { own: true, ...given }));
    return (await servers.get(kind)!).address;
  },
};
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => process.exit(1));

try {
  print(`${machine()}; ${context.events.toLocaleString('en-US')} events, ${context.rounds} round(s)`);
  for (const row of wanted) {
    print(`\n${row.name}: ${row.about} (${load()})`);
    for (const figure of await row.run(context)) print(shown(figure));
  }
  print(`\n${machine()}`);
} finally {
  await Promise.allSettled([...servers.values()].map(async (server) => (await server).stop()));
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  reaper.done();
}
