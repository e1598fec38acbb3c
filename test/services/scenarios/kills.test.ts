import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/apps/config.ts';
import { openAnnal } from '../../../src/apps/open-annal.ts';
import { eventSchemaSha256, readEvent } from '../../../src/formats/event.ts';
import { seeded } from '../../adapters/file-log/seeded.ts';
import { plainLane } from '../../given/plain-archive.ts';
import { type PlainFold, type PlainRecord, plainFold } from '../../given/plain-reducer.ts';
import { plainRoot } from '../../given/plain-root.ts';
import { countKill } from '../kill-count.ts';
import { type AnnalProcess, annal, spawned, startAnnal } from './annal-process.ts';
import { readBlobs } from './blobs.ts';
import { kafkaOf, type OwnProfile, ownProfile } from './own-profile.ts';
import { readIndex, readTopic } from './plain-readers.ts';
import { archived, caughtUp, eventually } from './progress.ts';
import { strangers } from './strangers.ts';
import { type Acknowledged, traffic } from './traffic.ts';

const partitions = 3;
const events = 50_000;
const entities = 4_000;
const perRequest = 500;
const randomKills = 5;
const crashMs = 60_000;

const points = {
  archiver: ['before-flush', 'after-flush', 'before-seal', 'after-seal', 'after-trim'],
  projector: ['before-store', 'after-documents', 'after-states', 'after-progress'],
} as const;
type Part = keyof typeof points;

/** Flushes and seals often, so that every point is passed again and again. */
const busyArchive = {
  ANNAL_ARCHIVE_FLUSH_BYTES: '32KiB',
  ANNAL_ARCHIVE_SEAL_BYTES: '128KiB',
};

/** Lets events flow only so far ahead of the kills that there are always some left for the next one. */
function gate(shares: number) {
  let open = 0;
  let waiting = Promise.withResolvers<void>();
  return {
    open(): void {
      open += 1;
      waiting.resolve();
      waiting = Promise.withResolvers<void>();
    },
    async pass(share: number): Promise<void> {
      while (share >= open && open < shares) await waiting.promise;
    },
  };
}

/** Kills a part at each of its named points, then at random moments of its work; starts it again each time. */
async function killed(part: Part, seed: number, env: OwnProfile['env'], onRound: () => void): Promise<void> {
  const random = seeded(seed);
  const program = 'test/services/scenarios/crashing-process.ts';
  for (const point of points[part]) {
    const at = `${point}:${1 + random.below(3)}`;
    const { child, ended, stderr } = spawned(program, [part, at], env);
    onRound();
    const { signal } = await within(ended, `${part} to reach ${at}`, () => child.kill('SIGKILL'), stderr);
    expect(signal, stderr()).toBe('SIGKILL');
    countKill('SIGKILL', `${part} ${at}`);
  }
  for (let kill = 0; kill < randomKills; kill += 1) {
    const { child, ended, stdout, stderr } = spawned(program, [part, 'none'], env);
    onRound();
    await eventually(`${part} at work`, crashMs, async () => (stdout() === '' ? undefined : true));
    const timer = setTimeout(() => child.kill('SIGKILL'), random.below(800));
    const { signal } = await within(ended, `${part} killed`, () => child.kill('SIGKILL'), stderr);
    clearTimeout(timer);
    expect(signal, stderr()).toBe('SIGKILL');
    countKill('SIGKILL', `${part} at work`);
  }
}

async function within<T>(work: Promise<T>, what: string, end: () => void, told: () => string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    end();
    late.reject(new Error(`${what}: not within ${crashMs} ms\n${told().slice(-4_000)}`));
  }, crashMs);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

/** Publishes events, all of which are acknowledged; a stray producer writes between them. */
async function published(
  api: AnnalProcess,
  { name, servers }: OwnProfile,
  seed: number,
  pass: (share: number) => Promise<void>,
): Promise<Acknowledged[]> {
  const source = traffic(seed, entities);
  const acknowledged: Acknowledged[] = [];
  const producer = kafkaOf(servers).producer();
  await producer.connect();
  try {
    for (let sent = 0; sent < events; sent += perRequest) {
      await pass(sent / events);
      if (sent % 10_000 === 0)
        for (const { message } of strangers(partitions, sent / 10_000))
          await producer.send({ topic: `${name}.e1`, messages: [message] });
      const batch = Array.from({ length: perRequest }, () => source.next(acknowledged));
      const { status, body } = await api.call('POST', '/v1/events', batch);
      expect({ status, refused: body.refused, unknown: body.unknown }).toEqual({
        ...{ status: 200, refused: 0, unknown: 0 },
      });
      const results = body.results as readonly { position: string }[];
      for (const [n, { position }] of results.entries()) acknowledged.push({ event: batch[n]!, position });
    }
    // A repeat that intake never saw: what an append whose answer was lost leaves behind.
    const [, partition, offset] = acknowledged.at(-1)!.position.split('-').map(Number);
    const { key, value } = (await readTopic(servers, `${name}.e1`))[partition!]![offset!]!;
    const headers = { 'annal-epoch': '1', 'annal-schema': eventSchemaSha256 };
    const message = { key, value, headers, partition: partition! };
    await producer.send({ topic: `${name}.e1`, messages: [message] });
  } finally {
    await producer.disconnect();
  }
  return acknowledged;
}

test('killed at every named point and at random while 50,000 events flow: log, archive, Elasticsearch and SQLite agree', {
  timeout: 600_000,
}, async ({ onTestFailed }) => {
  const seed = Number(process.env.ANNAL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  onTestFailed(() => void process.stderr.write(`ANNAL_TEST_SEED=${seed}\n`));
  await using profile = await ownProfile(busyArchive);
  const { env } = profile;
  await annal(['init', '--partitions', String(partitions)], env);
  await using api = await startAnnal(['run', 'api'], env);
  {
    // The first build of a read model is no lane: a kill there would wait for its claim to run out.
    await using first = await startAnnal(['run', 'projector'], env);
    await caughtUp(api);
    await first.stop();
  }
  const rounds = points.archiver.length + points.projector.length + 2 * randomKills;
  const { open, pass } = gate(rounds);
  const [acknowledged] = await Promise.all([
    published(api, profile, seed, (share) => pass(Math.floor(share * rounds))),
    killed('archiver', seed + 1, env, open),
    killed('projector', seed + 2, env, open),
  ]);
  expect(acknowledged).toHaveLength(events);

  await using archiver = await startAnnal(['run', 'archiver'], env);
  await using projector = await startAnnal(['run', 'projector'], env);
  await archived(api, 90_000);
  await caughtUp(api, 90_000);
  for (const process of [projector, archiver, api]) expect(await process.stop()).toMatchObject({ code: 0 });

  const records = await readTopic(profile.servers, `${profile.name}.e1`);
  const fold = plainFold([{ epoch: 1, records }], eventSchemaSha256);
  inLog(records, acknowledged);
  asExpected(fold);
  await sameArchive(profile, records);
  await sameReadModels(profile, fold);
});

/** Every acknowledged event stands at the position that was answered. */
function inLog(records: readonly (readonly PlainRecord[])[], acknowledged: readonly Acknowledged[]): void {
  const missing = acknowledged.filter(({ event, position }) => {
    const [, partition, offset] = position.split('-').map(Number);
    const { value } = records[partition!]![offset!]!;
    const { id, urn } = readEvent(value!.subarray(5));
    return id !== event.id || urn !== event.urn;
  });
  expect(missing).toEqual([]);
}

/** All outcomes came about, and no more records than were sent or written by strangers and doubles. */
function asExpected({ outcomes }: PlainFold): void {
  const counts = Map.groupBy(outcomes.values(), (outcome) => outcome);
  const all = ['applied', 'conflict', 'duplicate', 'foreign', 'misrouted', 'patch-failed', 'undecodable'];
  expect([...counts.keys()].sort()).toEqual(all);
  for (const outcome of ['foreign', 'undecodable', 'misrouted'] as const) {
    const strange = strangers(partitions, 0).filter((one) => one.outcome === outcome).length;
    expect(counts.get(outcome), outcome).toHaveLength(5 * strange);
  }
}

/** The archive holds each record of the log once, byte for byte, and the leaves that follow from them. */
async function sameArchive({ name, servers }: OwnProfile, records: readonly (readonly PlainRecord[])[]) {
  const blobs = {
    truth: await readBlobs(servers.blobConnectionString, `${name}-archive`),
    state: await readBlobs(servers.blobConnectionString, `${name}-state`),
  };
  for (const [partition, lane] of records.entries()) {
    const found = plainLane(blobs, { topic: name, epoch: 1, partition });
    expect(found.faults).toEqual([]);
    expect(found.segments).toBeGreaterThan(3);
    expect(found.records).toHaveLength(lane.length);
    const differing = lane.filter((record, n) => {
      const held = found.records[n]!;
      const same = (a: Uint8Array | null, b: Buffer | null): boolean =>
        b === null ? a === null : b.equals(a!);
      const headers = held.headers.map(
        ([header, value]) => `${Buffer.from(header)} ${value && Buffer.from(value)}`,
      );
      const own = Object.entries(record.headers).flatMap(([header, values]) =>
        values.map((value) => `${header} ${value}`),
      );
      return !(
        held.offset === record.offset &&
        held.appendTime === record.timestamp &&
        same(held.key, record.key) &&
        same(held.value, record.value) &&
        headers.sort().join() === own.sort().join()
      );
    });
    expect(differing).toEqual([]);
  }
}

/** Both engines hold what the second fold makes of the log: Elasticsearch as it was followed, SQLite as it is rebuilt. */
async function sameReadModels({ name, servers, env, dir }: OwnProfile, fold: PlainFold): Promise<void> {
  const roots = {
    entities: plainRoot(fold.entities),
    history: plainRoot(fold.history),
    edges: plainRoot(fold.edges),
  };
  const { ANNAL_ELASTICSEARCH_URL: _, ANNAL_ELASTICSEARCH_PREFIX: __, ...withSqlite } = env;
  await using rebuilt = await openAnnal({
    config: readConfig({ ...withSqlite, ANNAL_DATA: join(dir, 'sqlite') }),
    roles: { archiver: false, projector: false, intake: false },
    say: () => undefined,
  });
  for (const projection of ['entities', 'history', 'edges'] as const) {
    const followed = await readIndex(servers.elasticsearchUrl, `${name}-${projection}`);
    expect(differing(followed, fold[projection]), projection).toEqual([]);
    expect(plainRoot(followed), projection).toBe(roots[projection]);
    const { id } = await rebuilt.runtime.rebuild(projection);
    const { fault, rebuilt: report } = await rebuilt.runtime.ended(id);
    expect({ fault, root: report?.root }, projection).toEqual({ fault: null, root: roots[projection] });
  }
}

/** Documents that one side has otherwise, at most a few: what to look at when roots differ. */
function differing(
  found: readonly { id: string; version: number; body: Buffer }[],
  expected: readonly { id: string; version: number; body: Buffer }[],
): unknown[] {
  const text = (one: { version: number; body: Buffer } | undefined) => one && `${one.version} ${one.body}`;
  const have = new Map(found.map((document) => [document.id, document]));
  const want = new Map(expected.map((document) => [document.id, document]));
  return [...new Set([...have.keys(), ...want.keys()])]
    .map((id) => ({ id, found: text(have.get(id)), expected: text(want.get(id)) }))
    .filter((one) => one.found !== one.expected)
    .slice(0, 5);
}
