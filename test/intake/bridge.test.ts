import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Header, MetadataChangeEvent } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import type { Principal } from '../../src/domain/policy.ts';
import { decodeEvent, encodeEvent, eventSchemaText } from '../../src/formats/event.ts';
import { azureHeader, frameConfluent, unframe } from '../../src/formats/framing.ts';
import { uuid8 } from '../../src/formats/uuid8.ts';
import { type Bridge, type BridgeOptions, openBridge } from '../../src/intake/bridge.ts';
import { datahub } from '../../src/intake/translate/datahub.ts';
import { inbox } from '../../src/intake/translate/inbox.ts';
import type { LogReader } from '../../src/ports/event-log.ts';
import type { SchemaId } from '../../src/ports/schema-registry.ts';
import { proposalOf, proposalSchemaId, proposalSchemaText, proposals } from '../given/datahub.ts';
import { anEvent } from '../given/events.ts';
import { anIntake, orders, shippedRules } from '../given/intake.ts';
import { manualClock } from '../given/manual-clock.ts';
import { memoryState, type WriteFortune } from '../given/memory-state.ts';
import { type ScriptedLog, scriptedLog } from '../given/scripted-log.ts';

const inboxSchemaId = 50;
const topic = 'proposals';
const progressName = 'bridges/hub/0.json';
const everything: Principal = {
  name: 'bridge:datahub',
  grants: [{ actions: ['publish'], namespace: '*' }],
};

/** A foreign topic of one partition, a log, a state store, and bridges between them. */
function world({ batchMax = 3 } = {}) {
  const foreign = scriptedLog({ partitions: 1, batchMax });
  const log = scriptedLog({ partitions: 2 });
  const state = memoryState();
  const clock = manualClock();
  const faults: string[] = [];
  const schemas = new Map<SchemaId, string>([
    [proposalSchemaId, proposalSchemaText],
    [inboxSchemaId, eventSchemaText],
  ]);
  const its = {
    ...{ foreign, log, state, clock, faults, schemas },
    lookup: async (id: SchemaId): Promise<string | undefined> => schemas.get(id),
    put: (...values: readonly (Buffer | null)[]) =>
      foreign.append(
        0,
        values.map((value) => ({ key: Buffer.from(orders), value, headers: [] })),
      ),
    progress(): number | undefined {
      const saved = state.blobs.get(progressName);
      return saved === undefined ? undefined : (JSON.parse(saved.toString('utf8')) as { next: number }).next;
    },
    refused(offset: number, dialect = 'datahub'): unknown {
      const kept = state.blobs.get(`refused/${dialect}/hub/0/${offset}.json`);
      return kept === undefined ? undefined : JSON.parse(kept.toString('utf8'));
    },
    /** A new intake and a new bridge, until `done` holds after a write to the state store. */
    async run(
      options: Partial<BridgeOptions> = {},
      done = () => its.progress() === foreign.records[0]!.length,
    ) {
      const intake = await clock.until(anIntake({ log, clock }));
      const bridge = openBridge({
        ...{ source: 'hub', topic, dialect: datahub(), principal: everything, rules: shippedRules },
        ...{ intake, state, clock, reader: await foreign.reader('bridge') },
        registry: { lookup: (id) => its.lookup(id) },
        onFault: (fault) => faults.push(fault instanceof Fault ? fault.code : String(fault)),
        ...options,
      });
      await its.until(bridge, done);
      return bridge;
    },
    async until(bridge: Bridge, done: () => boolean) {
      const stop = new AbortController();
      const forget = state.watch(() => {
        if (done()) stop.abort(new Error('killed'));
      });
      await clock.until(bridge.run(stop.signal));
      forget();
    },
  };
  return its;
}

const eventsIn = (log: ScriptedLog): MetadataChangeEvent[] =>
  log.records.flat().map(({ value }) => decodeEvent(unframe(value!)));
const bridgeId = (offset: number): string => uuid8('annal-id/bridge', 'hub', topic, '0', String(offset), '0');

/** What becomes of each golden proposal: undefined = it is taken. */
const refusals: Record<string, string | undefined> = {
  'patch of globalTags': 'PATCH_DIALECT',
  'upsert of an aspect that is not allowed': 'ASPECT_UNKNOWN',
  'a person': 'SEALING_REQUIRED',
  'python NaN': 'JSON_INVALID',
  restate: 'CHANGE_UNSUPPORTED',
  'key aspect, no urn': 'EVENT_SHAPE',
  'violates the schema': 'ASPECT_INVALID',
};

describe("DataHub's proposals", () => {
  test('each is in the log under its id, or kept as refused with its code', async () => {
    const its = world();
    await its.put(...proposals.map(({ value }) => value));
    const bridge = await its.run();
    const taken = new Map(eventsIn(its.log).map((event) => [event.id, event]));
    for (const [offset, { name }] of proposals.entries()) {
      const code = refusals[name];
      expect(taken.has(bridgeId(offset)), name).toBe(code === undefined);
      const kept = its.refused(offset);
      if (code === undefined) expect(kept, name).toBeUndefined();
      else expect(kept, name).toMatchObject({ offset, topic, source: 'hub', refusals: [{ code }] });
    }
    const refused = Object.keys(refusals).length;
    expect(bridge.status()).toMatchObject({ appended: proposals.length - refused, repeated: 0, refused });
    const opaque = [...taken.values()].find(({ aspect }) => aspect === 'browsePathsV2');
    expect(opaque).toMatchObject({ aspectSchema: null, recordedBy: 'bridge:datahub', namespace: 'shop' });
  });

  test('what is kept holds the bytes and the reason; of what is personal only where, which and a hash', async () => {
    const its = world();
    const [nan, person] = [proposalOf('python NaN').value, proposalOf('a person').value];
    await its.put(nan, person);
    await its.run();
    expect(its.refused(0)).toMatchObject({
      refusals: [
        { index: 0, code: 'JSON_INVALID', pointer: '/value/size', urn: orders, aspect: 'datasetProperties' },
      ],
      sha256: hash('sha256', nan, 'hex'),
      value: nan.toString('base64'),
      key: Buffer.from(orders).toString('base64'),
    });
    expect(its.refused(1)).toEqual({
      ...{ v: 1, dialect: 'datahub', source: 'hub', topic, partition: 0, offset: 1 },
      ...{ refusals: [{ index: 0, code: 'SEALING_REQUIRED' }], sha256: hash('sha256', person, 'hex') },
    });
  });

  test('a grant for one namespace is no grant for another', async () => {
    const its = world();
    await its.put(proposalOf('create of status').value);
    const principal = {
      name: 'bridge:datahub',
      grants: [{ actions: ['publish' as const], namespace: 'billing' }],
    };
    await its.run({ principal });
    expect(its.refused(0)).toMatchObject({ refusals: [{ code: 'NOT_ALLOWED' }] });
  });

  test.each<[string, Buffer | null, string]>([
    ['no value', null, 'EVENT_SHAPE'],
    ['no framing', Buffer.from('urn:li:dataset:x'), 'SCHEMA_UNKNOWN'],
    ['framing cut short', Buffer.from([0, 0]), 'AVRO_INVALID'],
    ['an id the registry does not know', frameConfluent(99, Buffer.from('x')), 'SCHEMA_UNKNOWN'],
    [
      'bytes that are no proposal',
      frameConfluent(proposalSchemaId, Buffer.from('ffffffffff', 'hex')),
      'AVRO_INVALID',
    ],
    ['a schema that is no JSON', frameConfluent(60, Buffer.from('x')), 'AVRO_INVALID'],
    ['an array of 20 million nulls', frameConfluent(61, Buffer.from('80b4c41300', 'hex')), 'AVRO_INVALID'],
    ['another schema', frameConfluent(62, Buffer.from('0278', 'hex')), 'EVENT_SHAPE'],
  ])('refused, and the next is taken: %s', async (_, value, code) => {
    const its = world();
    its.schemas.set(60, '{').set(61, '{"type":"array","items":"null"}').set(62, '"string"');
    await its.put(value, proposalOf('create of status').value);
    await its.run();
    expect(its.refused(0)).toMatchObject({ refusals: [{ code }] });
    expect(eventsIn(its.log)).toMatchObject([{ aspect: 'status', id: bridgeId(1) }]);
  });
});

describe('the inbox', () => {
  const framed = (event: MetadataChangeEvent): Buffer => frameConfluent(inboxSchemaId, encodeEvent(event));
  const options = { dialect: inbox, principal: { ...everything, name: 'bridge:inbox' } };

  test('a schema may be named as Azure does: by a header, beside a value without a prefix', async () => {
    const its = world();
    const id = '0b0bd5a7d3d84b4d8fa2f3d8f3ed2f12';
    its.schemas.set(id, eventSchemaText);
    const key = Buffer.from(orders);
    const value = encodeEvent(anEvent({ n: 1 }));
    const other: Header = [Buffer.from('content-type'), Buffer.from('application/json')];
    const unknown = azureHeader('f'.repeat(32));
    await its.foreign.append(0, [
      { key, value, headers: [azureHeader(id)] },
      { key, value: framed(anEvent({ n: 2 })), headers: [other] },
      { key, value, headers: [unknown] },
      { key, value, headers: [azureHeader(id), other] },
      // Its own first byte is no framing where a header says what it is.
      { key, value: framed(anEvent({ n: 3 })), headers: [azureHeader(id)] },
    ]);
    await its.run(options);
    expect(eventsIn(its.log).map((event) => event.id)).toEqual([1, 2].map((n) => anEvent({ n }).id));
    const codes = [2, 3, 4].map((offset) => its.refused(offset, 'inbox'));
    expect(codes).toMatchObject([
      { refusals: [{ code: 'SCHEMA_UNKNOWN' }] },
      { refusals: [{ code: 'SCHEMA_UNKNOWN' }] },
      { refusals: [{ code: 'AVRO_INVALID' }] },
    ]);
  });

  test('what the client says is kept, what intake decides is decided again', async () => {
    const its = world();
    const sent = anEvent({
      ...{ n: 1, namespace: 'billing', entityType: 'corpuser', recordedBy: 'local:owner' },
      ...{ aspectSchema: 'x/9', actor: 'urn:li:corpuser:u1', correlationId: 'c' },
      source: { plugin: 'mine', version: '1', runId: 'r', foreign: new Map([['k', 'v']]) },
    });
    await its.put(framed(sent));
    await its.run(options);
    expect(eventsIn(its.log)).toEqual([
      {
        ...sent,
        ...{ namespace: 'shop', entityType: 'dataset', recordedBy: 'bridge:inbox' },
        aspectSchema: 'datasetProperties/1',
      },
    ]);
  });

  test('the same event twice is in the log once; without an id its place names it', async () => {
    const its = world();
    const nil = framed(anEvent({ id: '00000000-0000-0000-0000-000000000000' }));
    await its.put(framed(anEvent({ n: 1 })), framed(anEvent({ n: 1 })), nil);
    await its.run(options);
    expect(eventsIn(its.log).map(({ id }) => id)).toEqual([anEvent({ n: 1 }).id, bridgeId(2)]);
  });

  test('of what may be personal nothing is kept, whatever it was refused for', async () => {
    const its = world();
    const value = { active: 'yes', displayName: 'Ada Example' };
    await its.put(framed(anEvent({ aspect: 'corpUserInfo', value })));
    await its.run(options);
    const kept = its.refused(0, 'inbox');
    expect(kept).toMatchObject({ refusals: [{ index: 0, code: 'ASPECT_INVALID' }] });
    expect(Object.keys(kept as object)).not.toContain('value');
    expect(JSON.stringify(kept)).not.toContain(orders);
  });

  test('"must not exist" has one spelling', async () => {
    const its = world();
    await its.put(framed(anEvent({ expect: { epoch: 4, partition: 1, offset: -1 } })));
    await its.run(options);
    expect(eventsIn(its.log)).toMatchObject([{ expect: { epoch: 0, partition: 0, offset: -1 } }]);
  });

  test('an event that intake refuses is kept', async () => {
    const its = world();
    await its.put(framed(anEvent({ aspect: 'nothing' })), framed(anEvent({ urn: 'x\u0000' })));
    await its.run(options);
    expect(its.refused(0, 'inbox')).toMatchObject({ refusals: [{ code: 'ASPECT_UNKNOWN' }] });
    expect(its.refused(1, 'inbox')).toMatchObject({ refusals: [{ code: 'URN_INVALID' }] });
  });
});

describe('a world that is away', () => {
  const good = proposalOf('create of status').value;

  test('registry down: it waits, and skips nothing', async () => {
    const its = world();
    let asked = 0;
    its.lookup = async (id) => {
      asked += 1;
      if (asked < 4) throw new Fault('REGISTRY_UNAVAILABLE');
      return its.schemas.get(id);
    };
    await its.put(good, good);
    await its.run();
    expect(its.faults).toEqual(Array(3).fill('REGISTRY_UNAVAILABLE'));
    expect(eventsIn(its.log).map(({ id }) => id)).toEqual([0, 1].map(bridgeId));
    expect(asked).toBe(4);
  });

  test('log down for long: the same events again, in order, nothing refused', async () => {
    const its = world();
    let tries = 0;
    its.log.fortune = () => {
      tries += 1;
      return tries < 60 ? (tries % 2 === 0 ? 'refused' : 'request-lost') : 'ok';
    };
    await its.put(good, good, good);
    await its.run();
    expect(eventsIn(its.log).map(({ id }) => id)).toEqual([0, 1, 2].map(bridgeId));
    expect([...its.state.blobs.keys()]).toEqual([progressName]);
  });

  test('a log that needs somebody halts the bridge before the record; nothing is refused for it', async () => {
    const its = world();
    its.log.fortune = () => 'halted';
    await its.put(good);
    const intake = await its.clock.until(anIntake({ log: its.log, clock: its.clock }));
    const stop = new AbortController();
    const halted = Promise.withResolvers<unknown>();
    const bridge = openBridge({
      ...{ source: 'hub', topic, dialect: datahub(), principal: everything, rules: shippedRules, intake },
      ...{
        state: its.state,
        clock: its.clock,
        reader: await its.foreign.reader('b'),
        onFault: halted.resolve,
      },
      registry: { lookup: its.lookup },
    });
    const running = bridge.run(stop.signal);
    expect(await its.clock.until(halted.promise)).toMatchObject({ code: 'LOG_CORRUPT' });
    expect(bridge.status().lanes).toMatchObject([
      { partition: 0, state: 'halted', next: 0, code: 'LOG_CORRUPT' },
    ]);
    stop.abort();
    await its.clock.until(running);
    expect(its.state.blobs.size).toBe(0);
  });

  test('a topic that forgot records: from its start at first, later what is lost is noted', async () => {
    const its = world();
    await its.put(good, good, good, good, good);
    its.foreign.trim(0, 1);
    await its.run();
    expect(its.faults).toEqual([]);
    await its.put(good, good, good);
    its.foreign.trim(0, 7);
    await its.run();
    expect(its.faults).toEqual(['LOG_TRIMMED']);
    expect(its.refused(5)).toMatchObject({ offset: 5, until: 7, refusals: [{ code: 'LOG_TRIMMED' }] });
    expect(eventsIn(its.log).map(({ id }) => id)).toEqual([1, 2, 3, 4, 7].map(bridgeId));
  });

  test.each([
    ['a topic that was made again', { v: 1, topic, next: 9 }],
    ['progress of another topic', { v: 1, topic: 'other', next: 0 }],
    ['progress that is none', 'x'],
  ])('%s: halted, not read from its start', async (_, saved) => {
    const its = world();
    await its.put(good);
    await its.state.write(progressName, Buffer.from(JSON.stringify(saved)), null);
    const intake = await its.clock.until(anIntake({ log: its.log, clock: its.clock }));
    const stop = new AbortController();
    const halted = Promise.withResolvers<unknown>();
    const bridge = openBridge({
      ...{ source: 'hub', topic, dialect: datahub(), principal: everything, rules: shippedRules, intake },
      ...{
        state: its.state,
        clock: its.clock,
        reader: await its.foreign.reader('b'),
        onFault: halted.resolve,
      },
      registry: { lookup: its.lookup },
    });
    const running = bridge.run(stop.signal);
    expect(await its.clock.until(halted.promise)).toMatchObject({ code: 'BRIDGE_PROGRESS_INVALID' });
    stop.abort();
    await its.clock.until(running);
    expect(its.log.appends).toEqual([]);
  });

  test('an error of ours ends the run with it', async () => {
    const its = world();
    await its.put(good);
    const mistake = new TypeError('a mistake');
    const intake = { submitEvents: () => Promise.reject(mistake) };
    await expect(its.run({ intake })).rejects.toBe(mistake);
  });
});

describe('partitions that are shared out', () => {
  const good = proposalOf('create of status').value;

  test('two bridges that both hold the partition: nothing is missed, progress reaches the end', async () => {
    const its = world({ batchMax: 2 });
    await its.put(...Array.from({ length: 9 }, () => good));
    its.log.fortune = () => its.clock.wait(10);
    let saves = 0;
    its.state.fortune = () => {
      saves += 1;
      return 'ok';
    };
    const [one, other] = await Promise.all([its.run(), its.run()]);
    expect(one.status().appended + other.status().appended).toBeGreaterThan(9);
    expect(saves).toBeLessThanOrEqual(5);
    const ids = Array.from({ length: 9 }, (_, offset) => bridgeId(offset));
    expect([...new Set(eventsIn(its.log).map(({ id }) => id))]).toEqual(ids);
    expect(its.progress()).toBe(9);
  });

  test('a partition taken away and given back goes on from the saved progress', async () => {
    const its = world({ batchMax: 1 });
    const reader = await its.foreign.reader('b');
    const lanes: number[] = [];
    const taken = Promise.withResolvers<void>();
    const shared: LogReader = {
      ...reader,
      lane(partition, next) {
        lanes.push(next);
        return reader.lane(partition, next);
      },
      async *assignments(signal) {
        yield new Set([0]);
        await taken.promise;
        yield new Set();
        await its.put(good);
        yield* reader.assignments(signal);
      },
    };
    await its.put(good, good);
    its.state.watch(() => {
      if (its.progress() === 2) taken.resolve();
    });
    await its.run({ reader: shared }, () => its.progress() === 3);
    expect(eventsIn(its.log).map(({ id }) => id)).toEqual([0, 1, 2].map(bridgeId));
    expect(lanes).toEqual([0, 2]);
  });
});

test('a name that cannot stand in a blob is refused at once', () => {
  const its = world();
  expect(() =>
    openBridge({
      ...{ source: '../hub', topic, dialect: datahub(), principal: everything, rules: shippedRules },
      ...{
        intake: { submitEvents: async () => [] },
        state: its.state,
        clock: its.clock,
        onFault: () => undefined,
      },
      ...{ reader: undefined as never, registry: { lookup: its.lookup } },
    }),
  ).toThrow(RangeError);
});

const writeFortune = fc.constantFrom<WriteFortune>('ok', 'ok', 'refused', 'reply-lost');
const logFortune = fc.constantFrom(
  'ok' as const,
  'ok' as const,
  'refused' as const,
  'reply-lost' as const,
  'request-lost' as const,
);

test('whatever fails and whenever it is killed: before progress passes a record, it is in the log or kept', async () => {
  const plan = fc.record({
    names: fc.array(fc.constantFrom(...proposals.map(({ name }) => name)), { minLength: 1, maxLength: 12 }),
    batchMax: fc.integer({ min: 1, max: 5 }),
    writes: fc.array(writeFortune, { maxLength: 12 }),
    appends: fc.array(logFortune, { maxLength: 12 }),
    /** The bridge is stopped after so many changes of the state store, one number a life. */
    lives: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ names, batchMax, writes, appends, lives }) => {
      const its = world({ batchMax });
      const [writesLeft, appendsLeft] = [[...writes], [...appends]];
      its.state.fortune = () => writesLeft.shift() ?? 'ok';
      its.log.fortune = () => appendsLeft.shift() ?? 'ok';
      const settled = (offset: number): boolean =>
        refusals[names[offset]!] === undefined
          ? eventsIn(its.log).some(({ id }) => id === bridgeId(offset))
          : its.refused(offset) !== undefined;
      its.state.watch((name) => {
        if (name !== progressName) return;
        for (let offset = 0; offset < its.progress()!; offset += 1) expect(settled(offset)).toBe(true);
      });
      await its.put(...names.map((name) => proposalOf(name).value));
      const isDone = (): boolean => its.progress() === names.length;
      for (const life of lives) {
        let changes = 0;
        await its.run({}, () => {
          changes += 1;
          return isDone() || changes >= life;
        });
        if (isDone()) break;
      }
      if (!isDone()) await its.run();
      const known = new Set(names.map((_, offset) => bridgeId(offset)));
      expect(eventsIn(its.log).filter(({ id }) => !known.has(id))).toEqual([]);
      for (const [offset, name] of names.entries()) {
        expect(settled(offset)).toBe(true);
        expect(its.refused(offset) === undefined).toBe(refusals[name] === undefined);
      }
    }),
    { numRuns: 200 },
  );
});
