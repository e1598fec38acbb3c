import avsc from 'avsc';
import { expect, test } from 'vitest';
import { azureRegistry } from '../../src/adapters/azure-registry/schema-registry.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { announceSchema } from '../../src/apps/announce-schema.ts';
import { ensureSchemaIn } from '../../src/apps/ensure-schema.ts';
import { startRuntime } from '../../src/apps/runtime.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import { encodeEvent, eventSchemaSha256, eventSchemaText } from '../../src/formats/event.ts';
import { frameConfluent } from '../../src/formats/framing.ts';
import { canonicalSchemaText, schemaSha256 } from '../../src/formats/json-canonical.ts';
import { rootOf } from '../../src/formats/root.ts';
import { uuidBytes } from '../../src/formats/uuid8.ts';
import type { SchemaRegistry } from '../../src/ports/schema-registry.ts';
import { entities } from '../../src/projections/entities.ts';
import { history } from '../../src/projections/history.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { schemaName, schemaRefName } from '../../src/streams/archive-names.ts';
import { historyLane } from '../../src/streams/history-lane.ts';
import { fakeAzureRegistry } from '../given/azure-registry.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { manualClock } from '../given/manual-clock.ts';
import { memoryLog } from '../given/memory-log.ts';
import { openWorld, type World } from '../given/world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const other = JSON.stringify({ type: 'record', name: 'Other', fields: [{ name: 'n', type: 'int' }] });

/** A registry that answers each call so, and counts them. */
function registryOf(answer: () => Promise<string>) {
  const asked: string[] = [];
  const ask = (what: string): Promise<string> => {
    asked.push(what);
    return answer();
  };
  const ref = { kind: 'confluent', id: 7 } as const;
  const found = () => ask('latest').then((schemaText) => ({ ref, subject: 'a', version: 1, schemaText }));
  const registry: SchemaRegistry = {
    kind: 'confluent',
    place: 'a test',
    register: () => ask('register').then(() => ref),
    lookup: (id) => ask(`lookup ${id}`),
    latest: found,
    version: found,
    subjects: () => ask('subjects').then((subject) => [subject]),
    versions: () => ask('versions').then(() => [1]),
    places: () => ask('places').then(() => []),
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { registry, asked };
}

/** Archives and folds records beside that registry; the roots, the outcomes and the offsets that came of it. */
async function worked(world: World, registry: SchemaRegistry, records: readonly LogRecord[]) {
  const log = memoryLog();
  log.records = [...records];
  const runtime = startRuntime({
    ports: {
      ...{ registry, clock: systemClock, logHost: world.host, archive: world.store, readModel: world.model },
      [Symbol.asyncDispose]: async () => undefined,
    },
    ...{ places: [], epochs: [world.epoch], log, intake: undefined, say: () => undefined },
    roles: { archiver: true, projector: true },
    archiveLimits: { ...archiveLimits, flushMs: 10 },
  });
  await runtime.archiver!.reach([records.length], soon());
  for (const projector of runtime.projectors) await projector.reach([records.length], soon());
  await runtime.stop();
  const offsets: number[] = [];
  for await (const slice of historyLane(world.store, { topic: 'annal', epoch: 1, partition: 0 }, 0))
    offsets.push(...slice.records.map(({ offset }) => offset));
  const roots: string[] = [];
  const outcomes: Record<string, unknown>[] = [];
  for (const { definition } of [entities, history]) {
    const root = rootOf();
    for await (const documents of (await world.model.serving(definition))!.scan())
      for (const { id, version, body } of documents) {
        root.add(id, version, body);
        if (definition !== history.definition) continue;
        const { outcome, position, reason } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
        if (outcome !== undefined) outcomes.push({ outcome, position, reason });
      }
    roots.push(root.root());
  }
  return { offsets, roots, outcomes };
}

const framed = (count: number): LogRecord[] =>
  Array.from({ length: count }, (_, n) => {
    const event = anEvent({ n });
    return { ...recordOf(event, n), value: frameConfluent(7, encodeEvent(event)) };
  });

test('a registry that is away, or says otherwise of an id, changes nothing: archived and folded alike, and nobody asks it', async () => {
  const results = [];
  for (const answer of [
    () => Promise.resolve(eventSchemaText),
    () => Promise.reject(new Fault('REGISTRY_UNAVAILABLE', { place: 'a test' })),
    () => Promise.resolve(other),
  ]) {
    await using world = await openWorld(1);
    const { registry, asked } = registryOf(answer);
    results.push(await worked(world, registry, framed(30)));
    expect(asked).toEqual([]);
    // It does answer so to whoever asks.
    await registry.lookup(7).catch(() => undefined);
    expect(asked).toEqual(['lookup 7']);
  }
  const [right, away, wrong] = results;
  expect(right!.offsets).toHaveLength(30);
  expect(right!.outcomes.filter(({ outcome }) => outcome === 'applied')).toHaveLength(30);
  expect(away).toEqual(right);
  expect(wrong).toEqual(right);
});

test('an id that meant another schema is an error on record; the schema of its hash stays what it was', async () => {
  await using world = await openWorld(1);
  const { registry } = registryOf(() => Promise.resolve(other));
  const said: unknown[] = [];
  const ensure = ensureSchemaIn({ archive: world.store, registry }, 'annal', (...one) => void said.push(one));
  expect(await ensure(eventSchemaSha256, eventSchemaText)).toEqual({ kind: 'confluent', id: 7 });
  expect(await ensure(eventSchemaSha256, eventSchemaText)).toEqual({ kind: 'confluent', id: 7 });
  expect(said).toEqual([]);
  expect(await ensure(schemaSha256(other), other)).toEqual({ kind: 'confluent', id: 7 });
  expect(said).toMatchObject([
    ['error', 'registry id of another schema', { id: 7, sha256: schemaSha256(other) }],
  ]);
  expect(JSON.stringify(said)).toContain(eventSchemaSha256);
  const { truth } = world.store;
  expect((await truth.read(schemaRefName({ kind: 'confluent', id: 7 })))?.toString()).toBe(
    `{"sha256":"${eventSchemaSha256}"}`,
  );
  expect((await truth.read(schemaName(eventSchemaSha256)))?.toString()).toBe(eventSchemaText);
});

test('what an id of Azure means is on record under a name of its own', async () => {
  await using world = await openWorld(1);
  await using fake = await fakeAzureRegistry();
  const registry = azureRegistry(fake.settings);
  const ensure = ensureSchemaIn({ archive: world.store, registry }, 'annal', () => expect.fail());
  const ref = await ensure(eventSchemaSha256, eventSchemaText);
  expect(await ensure(eventSchemaSha256, eventSchemaText)).toEqual(ref);
  const name = `schemas/refs/azure/${ref.id}.json`;
  expect((await world.store.truth.read(name))?.toString()).toBe(`{"sha256":"${eventSchemaSha256}"}`);
});

test('the schema of the inbox is told to the registry once it is there; one that refuses it is an error on record', async () => {
  const clock = manualClock();
  const said: unknown[] = [];
  const say = (...one: readonly unknown[]): void => void said.push(one.slice(0, 2));
  const answers = [
    () => Promise.reject(new Fault('REGISTRY_UNAVAILABLE', { place: 'a test' })),
    () => Promise.resolve(eventSchemaText),
  ];
  const { registry, asked } = registryOf(() => answers.shift()!());
  const { signal } = new AbortController();
  await clock.until(announceSchema({ registry, clock }, 'annal.inbox', say, signal));
  expect([asked, said]).toEqual([['register', 'register'], [['warn', 'schema not announced']]]);
  answers.push(() => Promise.reject(new Fault('SCHEMA_INCOMPATIBLE', { subject: 'annal.inbox-value' })));
  await announceSchema({ registry, clock }, 'annal.inbox', say, signal);
  expect(said.at(-1)).toEqual(['error', 'schema not announced']);
});

test('a record of an earlier version of the event schema, which the archive holds, is the event it was', async () => {
  await using world = await openWorld(1);
  const { registry, asked } = registryOf(() => Promise.reject(new Fault('REGISTRY_UNAVAILABLE')));
  const { fields, ...rest } = JSON.parse(eventSchemaText) as { fields: { name: string }[] };
  const earlier = {
    ...rest,
    fields: fields.filter(({ name }) => name !== 'causationId' && name !== 'group'),
  };
  const text = canonicalSchemaText(earlier);
  const [sha256, event] = [schemaSha256(text), anEvent({ n: 1, source: null })];
  await world.store.truth.create(schemaName(sha256), Buffer.from(text));
  const id = Buffer.from(uuidBytes(event.id));
  const sent = { ...event, id, value: event.value === null ? null : Buffer.from(event.value) };
  const value = avsc.Type.forSchema(earlier as avsc.Schema).toBuffer(sent);
  const record = recordOf(anEvent({ n: 0 }), 0);
  const named: LogRecord = {
    ...{ ...recordOf(event, 1), value },
    headers: [record.headers[0]!, [Buffer.from('annal-schema'), Buffer.from(sha256)]],
  };
  const { outcomes } = await worked(world, registry, [record, named]);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['applied', 'applied']);
  expect(asked).toEqual([]);
});

test('records of a schema that cannot be read as events, or that nobody has, are archived and quarantined; later ones go on', async () => {
  await using world = await openWorld(1);
  const { registry } = registryOf(() => Promise.resolve(eventSchemaText));
  await world.store.truth.create(schemaName(schemaSha256(other)), Buffer.from(other));
  const [before, strange, unknown, after] = [0, 1, 2, 3].map((n) => recordOf(anEvent({ n }), n));
  const naming = (record: LogRecord, sha256: string, value: Buffer): LogRecord => ({
    ...{ ...record, value },
    headers: [record.headers[0]!, [Buffer.from('annal-schema'), Buffer.from(sha256)]],
  });
  const records = [
    before!,
    naming(strange!, schemaSha256(other), Buffer.from([10])),
    naming(unknown!, 'f'.repeat(64), Buffer.from(unknown!.value!)),
    after!,
  ];
  const once = await worked(world, registry, records);
  expect(once.offsets).toEqual([0, 1, 2, 3]);
  expect(once.outcomes.toSorted((a, b) => (String(a.position) < String(b.position) ? -1 : 1))).toMatchObject([
    { outcome: 'applied', position: '1-0-0' },
    { outcome: 'undecodable', position: '1-0-1' },
    { outcome: 'undecodable', position: '1-0-2' },
    { outcome: 'applied', position: '1-0-3' },
  ]);
});
