import { getPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { countKill } from '../kill-count.ts';
import { type AnnalProcess, annal, spawned, startAnnal } from './annal-process.ts';
import { tableEvent } from './events.ts';
import { json, type OwnProfile } from './own-profile.ts';
import { archived, caughtUp, eventually, missingAt } from './progress.ts';
import { nameOf } from './search-of-table.ts';
import { type Searched, type Searching, searching } from './searching.ts';

/** What a rebuild that was killed and gone on with, and the way back, did to searches. */
export interface Told {
  /** By phase, in their order. */
  readonly phases: ReadonlyMap<string, Searched>;
  /** Events that were written meanwhile. */
  readonly written: number;
  readonly rebuilt: { readonly index: string; readonly replaced: string; readonly resumed: number };
  readonly back: { readonly index: string; readonly replaced: string };
  /** Of a rebuilder that is a process of its own, as the system counts it: greater is less. */
  readonly priority?: number;
}

const searchesPerSecond = 50;
const searchesPerPhase = 100;
const warmSearches = 1_500;
const perRequest = 500;
const [writesAtOnce, writeEveryMs] = [10, 100];
const main = 'src/apps/cli/main.ts';

const searchIn = ({ address }: AnnalProcess, tables: number): Searching =>
  searching({ address, perSecond: searchesPerSecond, tables });

async function publish(to: AnnalProcess, numbers: readonly number[]): Promise<void> {
  const events = numbers.map((n) => tableEvent(n, nameOf(n)));
  const { status, body } = await to.call('POST', '/v1/events', events);
  if (status !== 200 || body.appended !== events.length)
    throw new Error(`${status} ${JSON.stringify(body).slice(0, 500)}`);
}

async function publishAll(to: AnnalProcess, tables: number): Promise<void> {
  for (let from = 0; from < tables; from += perRequest)
    await publish(
      to,
      Array.from({ length: Math.min(perRequest, tables - from) }, (_, n) => from + n),
    );
}

interface Writing {
  /** Resolves with how many were written. */
  stop(): Promise<number>;
}

/** Writes changes of tables that are there, and new ones, until it is stopped. */
function writing(to: AnnalProcess, tables: number): Writing {
  let [isOver, written] = [false, 0];
  const work = (async () => {
    while (!isOver) {
      const at = written;
      await publish(
        to,
        Array.from({ length: writesAtOnce }, (_, n) => (n % 2 === 0 ? (at + n) % tables : tables + at + n)),
      );
      written += writesAtOnce;
      await pause(writeEveryMs);
    }
    return written;
  })();
  // Told by `stop`, whenever it fails.
  work.catch(() => undefined);
  return {
    stop(): Promise<number> {
      isOver = true;
      return work;
    },
  };
}

const said = <T>({ code, stdout, stderr }: { code: number | null; stdout: string; stderr: string }): T => {
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
};

/** What compares times does so with an engine as it is that has run for a while, and not with one that has just begun. */
export interface Timed {
  /** Searches before anything is compared, beside which everything is rebuilt once that is not looked at. */
  readonly isWarmed: boolean;
  /** Searches while nothing else happens. */
  readonly idleSearches: number;
}

const untimed: Timed = { isWarmed: false, idleSearches: searchesPerPhase };

/** The engine's own compilers take half of a processor for its first minutes: they see here what is asked of them later. */
async function warmUp(searches: Searching, writer: Writing, env: OwnProfile['env']): Promise<void> {
  await searches.answered(warmSearches);
  for (const projection of ['edges', 'history'])
    for (const command of [
      ['rebuild', projection, '--yes'],
      ['retire', projection],
    ])
      said<unknown>(await annal([...command, '--output', 'json'], env, 120_000));
  await writer.stop();
}

/** Archiver, projector and API as processes on servers; the rebuilder is one of its own, and dies of SIGKILL while it fills. */
export async function searchedInFull(
  { env, name, servers }: OwnProfile,
  tables: number,
  { isWarmed, idleSearches }: Timed = untimed,
): Promise<Told> {
  await annal(['init', '--partitions', '3'], env);
  await using archiver = await startAnnal(['run', 'archiver'], env);
  await using projector = await startAnnal(['run', 'projector'], env);
  await using api = await startAnnal(['run', 'api'], env);
  await publishAll(api, tables);
  await caughtUp(api);
  await archived(archiver);

  const searches = searchIn(api, tables);
  await searches.answered(searchesPerPhase);
  if (isWarmed) {
    await warmUp(searches, writing(api, tables), env);
    await caughtUp(api);
  }
  searches.enter('idle');
  await searches.answered(idleSearches);

  searches.enter('rebuild');
  const writer = writing(api, tables);
  const indexes = async (): Promise<number> =>
    Object.keys((await json(`${servers.elasticsearchUrl}/${name}-entities-v*`)) as object).length;
  const rebuilder = spawned(main, ['rebuild', 'entities', '--yes'], env);
  await eventually('a second index', 60_000, async () => ((await indexes()) === 2 ? true : undefined));
  const priority = getPriority(rebuilder.child.pid);
  rebuilder.child.kill('SIGKILL');
  const { signal, stderr } = await rebuilder.ended;
  if (signal !== 'SIGKILL') throw new Error(`it ended before: ${stderr}`);
  countKill('SIGKILL', 'rebuilder while it fills');

  searches.enter('killed');
  await eventually('a rebuild that was left', 90_000, async () => {
    const { body } = await api.call('GET', '/v1/rebuilds');
    const [newest] = body.items as readonly { projection: string; resumable: boolean }[];
    return newest?.projection === 'entities' && newest.resumable ? true : undefined;
  });
  searches.enter('resumed');
  const again = await annal(['rebuild', 'entities', '--yes', '--output', 'json'], env, 120_000);
  const { items } = said<{ items: readonly Told['rebuilt'][] }>(again);
  searches.enter('swapped');
  await searches.answered(searchesPerPhase);
  searches.enter('rolled back');
  const back = said<Told['back']>(await annal(['rollback', 'entities', '--output', 'json'], env));
  await searches.answered(searchesPerPhase);
  const written = await writer.stop();
  const phases = await searches.stop();
  await projectedAndEqual(api, env);
  for (const process of [api, projector, archiver]) await process.stop();
  return { phases, written, rebuilt: items[0]!, back, priority };
}

/** What was written meanwhile is there, in what serves now. */
async function projectedAndEqual(api: AnnalProcess, env: OwnProfile['env']): Promise<void> {
  await caughtUp(api);
  const verified = await annal(['verify', 'entities', '--output', 'json'], env, 120_000);
  said<unknown>(verified);
}

/** Everything in one process with SQLite: it dies of SIGKILL while it rebuilds, and its searches with it; a second one goes on. */
export async function searchedInOne(dir: string, tables: number): Promise<Told> {
  const env = { ANNAL_DATA: dir, ANNAL_PORT: '0', ANNAL_ARCHIVE_FLUSH_SECONDS: '1' };
  const phases = new Map<string, Searched>();
  const keep = (told: ReadonlyMap<string, Searched>): void => {
    for (const [phase, searched] of told) phases.set(phase, searched);
  };
  const begin = async (server: AnnalProcess): Promise<string> => {
    const { body } = await server.call('POST', '/v1/rebuilds', { projection: 'entities' });
    return (body.operations as readonly { id: string }[])[0]!.id;
  };
  await using first = await startAnnal(['start', '--no-sample'], env);
  await publishAll(first, tables);
  await caughtUp(first);
  await archived(first);
  const searches = searchIn(first, tables);
  await searches.answered(searchesPerPhase);
  searches.enter('idle');
  await searches.answered(searchesPerPhase);
  searches.enter('rebuild');
  let writer = writing(first, tables);
  const id = await begin(first);
  await eventually('a rebuild that folds', 60_000, async () => {
    const { body } = await first.call('GET', `/v1/rebuilds/${id}`);
    return body.progress === null ? undefined : true;
  });
  let written = await writer.stop();
  keep(await searches.stop());
  await first.kill();

  await using second = await startAnnal(['start', '--no-sample'], env);
  await eventually('ready', 60_000, async () => ((await missingAt(second)).length === 0 ? true : undefined));
  const going = searchIn(second, tables);
  writer = writing(second, tables);
  going.enter('resumed');
  const { body } = await second.call('GET', `/v1/rebuilds/${await begin(second)}?wait=60s`);
  if (body.rebuilt === null) throw new Error(JSON.stringify(body));
  going.enter('swapped');
  await going.answered(searchesPerPhase);
  going.enter('rolled back');
  const back = await second.call('POST', '/v1/projections/entities/rollback');
  await going.answered(searchesPerPhase);
  written += await writer.stop();
  keep(await going.stop());
  await projectedAndEqual(second, { ...env, ANNAL_URL: second.address });
  await second.stop();
  return {
    ...{ phases, written, rebuilt: body.rebuilt as Told['rebuilt'] },
    back: { index: String(back.body.index), replaced: String(back.body.replaced) },
  };
}
