import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { sampleFiles } from '../../samples/make-archive.ts';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { defaultNamespaceRules } from '../../src/domain/namespace.ts';
import { formatPosition } from '../../src/domain/position.ts';
import { confluentId, unframe } from '../../src/formats/framing.ts';
import { schemaSha256 } from '../../src/formats/json-canonical.ts';
import { judgeJson } from '../../src/formats/json-text.ts';
import { leafHash, recordHash, recordLeafText } from '../../src/formats/leaf.ts';
import { encodeRecord, readSegment } from '../../src/formats/segment.ts';
import { admit } from '../../src/intake/admit.ts';
import { loadAspectSchemas } from '../../src/intake/aspect-schemas.ts';
import { loadEntityTypes } from '../../src/intake/entity-types.ts';
import { shippedSchemas } from '../../src/intake/schema-folder.ts';
import { leavesName } from '../../src/streams/archive-names.ts';
import { segmentFirsts } from '../../src/streams/chain.ts';
import { endReader } from '../../src/streams/epoch-end.ts';
import { readEpochs } from '../../src/streams/epochs.ts';
import {
  json,
  readSampleLog,
  type SampleLog,
  sampleFile,
  sampleRoot,
  type Told,
} from '../given/sample-log.ts';

/** What the committed segments were compressed with; another version may choose other bytes for the same records. */
const zstdOfTheSample = '1.5.7';

let log: SampleLog;
let end: { epoch: number; next: number[]; timeMax: number; events: number; entities: number };

beforeAll(async () => {
  log = await readSampleLog();
  end = json(sampleFile('sample.json')) as typeof end;
});

const uncompressed = (path: string, file: Buffer): Buffer =>
  path.endsWith('.avro') && process.versions.zstd !== zstdOfTheSample
    ? Buffer.concat([...readSegment(file).blocks()].map(({ bytes }) => bytes))
    : file;

test('made again, it is the committed one to the byte, and small', () => {
  const made = sampleFiles();
  const committed = globSync('**/*', { cwd: sampleRoot })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => statSync(join(sampleRoot, path)).isFile());
  expect(committed.sort()).toEqual([...made.keys()].sort());
  let bytes = 0;
  for (const [path, content] of made) {
    const there = sampleFile(path);
    expect(uncompressed(path, there).equals(uncompressed(path, content)), path).toBe(true);
    bytes += there.length;
  }
  expect(bytes).toBeLessThanOrEqual(3_000_000);
});

test('it is a finished archive: chain, leaves, schema and end cut, and no tail', async () => {
  await using store = folderArchive({ dir: sampleRoot });
  const [epoch, ...others] = await readEpochs(store.truth);
  expect(others).toEqual([]);
  expect(epoch).toMatchObject({ name: 'annal', epoch: 1, partitions: 4, previous: null });
  const { events, entities, ...cut } = end;
  expect(await endReader(store, epoch!).read()).toEqual(cut);
  expect([events, entities]).toEqual([log.told.length, log.states.size]);
  for (const [partition, records] of log.lanes.entries()) {
    const lane = { topic: 'annal', epoch: 1, partition };
    const firsts = await segmentFirsts(store.truth, lane);
    expect(firsts).toHaveLength(6);
    const leaves = await Promise.all(firsts.map((first) => store.state.read(leavesName(lane, first))));
    const made = records.map((record) =>
      leafHash(
        recordLeafText({ epoch: 1, partition, offset: record.offset }, recordHash(encodeRecord(record))),
      ),
    );
    expect(Buffer.concat(leaves.map((one) => one!.bytes)).equals(Buffer.concat(made)), `${partition}`).toBe(
      true,
    );
  }
  for await (const { name } of store.state.list('')) expect(name).toMatch(/^leaves\//);
  const sha256 = log.told[0]!.record.headers[1]![1]!.toString();
  const text = await store.truth.read(`schemas/${sha256}.json`);
  expect(schemaSha256(text!.toString('utf8'))).toBe(sha256);
  expect(json(sampleFile('archive/schemas/refs/confluent/1.json'))).toEqual({ sha256 });
});

test('it has the size it promises, and outcomes of every kind that a fold gives', () => {
  expect(Math.abs(end.events - 25_000)).toBeLessThanOrEqual(2_500);
  expect(Math.abs(end.entities - 400)).toBeLessThanOrEqual(20);
  expect(log.told[0]!.at.slice(0, 10)).toBe('2025-04-01');
  expect(log.told.at(-1)!.at.slice(0, 10)).toBe('2026-09-30');
  const counts = Map.groupBy(log.told, ({ outcome }) => outcome);
  const numbers = Object.fromEntries([...counts].map(([outcome, of]) => [outcome, of.length]));
  expect(numbers).toEqual({ applied: end.events - 22, duplicate: 18, conflict: 2, 'patch-failed': 2 });
});

/** Where a law does not hold. One assertion for all events: tens of thousands take seconds. */
const breaking = (holds: (one: Told, i: number) => boolean, among: readonly Told[] = log.told): string[] =>
  among.flatMap((one, i) => (holds(one, i) ? [] : [formatPosition(one.position)]));

test('append times grow in each partition, and nothing is told before it happened', () => {
  for (const lane of Map.groupBy(log.told, ({ position }) => position.partition).values()) {
    const grows = ({ record, position }: Told, i: number): boolean =>
      position.offset === i && (i === 0 || record.appendTime > lane[i - 1]!.record.appendTime);
    expect(breaking(grows, lane)).toEqual([]);
  }
  expect(breaking(({ event, record }) => event.occurredAt < record.appendTime)).toEqual([]);
});

test('intake would admit every event as it stands', () => {
  const rules = {
    aspects: loadAspectSchemas([shippedSchemas]),
    entityTypes: loadEntityTypes([shippedSchemas]),
    namespaceRules: defaultNamespaceRules,
  };
  const newId = (): string => {
    throw new Error('an event without an id');
  };
  const isAdmitted = ({ event, record }: Told): boolean => {
    const principal = { name: event.recordedBy, grants: [{ actions: ['publish'], namespace: '*' }] } as const;
    const arrival = { principal, nowMs: 0, newId, envelopeBytes: 1_000 };
    const { avro } = admit({ ...event, opaqueAllowed: false }, rules, arrival);
    return (
      avro.equals(unframe(record.value!)) && (event.value === null || judgeJson(event.value) === 'accept')
    );
  };
  expect(breaking(isAdmitted)).toEqual([]);
  const principals = /^(?:local:owner|token:[a-z-]+|bridge:datahub)$/;
  expect(breaking(({ event }) => principals.test(event.recordedBy))).toEqual([]);
  expect(
    breaking(({ record: { value, headers } }) => confluentId(value!) === 1 && headers.length === 2),
  ).toEqual([]);
});

test('an id comes twice only where the fold calls it a duplicate', () => {
  const ids = new Set<string>();
  const isNew = (id: string): boolean => ids.size < ids.add(id).size;
  expect(breaking(({ event, outcome }) => isNew(event.id) !== (outcome === 'duplicate'))).toEqual([]);
});

test('nobody can be told by it: persons are opaque ids, and there are no addresses', () => {
  const isOpaque = ({ event }: Told): boolean => {
    const text = `${event.actor} ${event.urn} ${Buffer.from(event.value ?? '').toString('utf8')}`;
    const named = [...text.matchAll(/urn:li:corp(user|group):([^"\s,)]+)/gi)];
    return (
      !/[\w.]@\w/.test(text) &&
      named.every(([, kind, id]) =>
        (kind!.toLowerCase() === 'user' ? /^(?:u-\d{4}|svc-[a-z-]+)$/ : /^g-[a-z]+$/).test(id!),
      )
    );
  };
  expect(breaking(isOpaque)).toEqual([]);
});

test('the page about it names what is there', () => {
  const page = readFileSync(join(sampleRoot, '../README.md'), 'utf8');
  expect(page).toContain(`${end.events.toLocaleString('en')} events of ${end.entities} entities`);
  const urns = [...page.matchAll(/`(urn:li:[^`…]+)`/g)].map(([, urn]) => urn!);
  const named = urns.filter((urn) => !urn.startsWith('urn:li:corpuser:'));
  expect(named.length).toBeGreaterThan(15);
  for (const urn of named) expect(log.states.has(urn), urn).toBe(true);
  const ids = new Set(log.told.map(({ event }) => event.correlationId));
  for (const [, id] of page.matchAll(/`([A-Z][A-Z-]+-\d+)`/g)) expect(ids.has(id!), id).toBe(true);
});
