import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tableReaders } from '../../src/adapters/scan/registry.ts';
import { scanFolder } from '../../src/intake/scan.ts';
import { type AspectValue, type FoundItem, gatherScan, type ScanFound } from '../../src/intake/scan-found.ts';
import {
  type KnownEntity,
  ownedBy,
  type PlanOptions,
  planScan,
  type ScanChange,
  scanPlanner,
} from '../../src/intake/scan-plan.ts';
import { type MemoryEntry, memoryFiles } from '../given/memory-files.ts';

type Entries = Readonly<Record<string, MemoryEntry>>;
type KnownMap = ReadonlyMap<string, KnownEntity>;

const options: PlanOptions = { source: 'lake', version: '0.1.0', runId: 'run-1' };
const scan = (entries: Entries): Promise<ScanFound> =>
  gatherScan(scanFolder(memoryFiles(entries), { source: 'lake', readers: tableReaders }));

const without = (aspects: ReadonlyMap<string, string>, aspect: string): Map<string, string> =>
  new Map([...aspects].filter(([name]) => name !== aspect));

/** What is known once `changes` are applied, kept by a plain reducer. */
function apply(known: KnownMap, changes: readonly ScanChange[]): KnownMap {
  const after = new Map(known);
  for (const { urn, aspect, change, value, source } of changes) {
    const aspects = new Map(after.get(urn)?.aspects);
    if (change === 'DELETE') {
      expect([[null, 'fileState'].includes(aspect), value]).toEqual([true, undefined]);
      if (aspect === null) after.delete(urn);
      else after.set(urn, { root: source.foreign.root, aspects: without(aspects, aspect) });
      continue;
    }
    aspects.set(aspect!, JSON.stringify(value));
    after.set(urn, { root: source.foreign.root, aspects });
  }
  return after;
}

const told = (changes: readonly ScanChange[]): string[] =>
  changes.map(({ urn, aspect, change }) => `${change} ${/([^,:]+?)(,PROD\))?$/.exec(urn)![1]} ${aspect}`);
const known = async (entries: Entries): Promise<KnownMap> =>
  apply(new Map(), planScan(await scan(entries), new Map(), options).changes);

const csv = 'id,name\n1,x\n';
const five: Entries = { 'a.csv': csv, 'b.csv': csv, 'c.csv': csv, 'd.csv': csv, 'e.csv': csv };
const but = (entries: Entries, ...gone: string[]): Entries =>
  Object.fromEntries(Object.entries(entries).filter(([path]) => !gone.includes(path)));

test('a first scan upserts every aspect, folders first, and says where it comes from', async () => {
  const plan = planScan(await scan({ 'shop/o.csv': csv }), new Map(), options);
  expect(plan.changes.map(({ urn, aspect }) => `${urn.split(':')[2]} ${aspect}`)).toEqual([
    'container containerProperties',
    'container status',
    'dataset datasetProperties',
    'dataset schemaMetadata',
    'dataset status',
    'dataset container',
  ]);
  for (const { change, source } of plan.changes) {
    expect(change).toBe('UPSERT');
    expect(source).toEqual({ plugin: 'scan', version: '0.1.0', runId: 'run-1', foreign: { root: 'lake' } });
  }
});

test('a second scan changes nothing, however the stored JSON is spelled', async () => {
  const before = await known(five);
  expect(planScan(await scan(five), before, { ...options, runId: 'run-2' })).toEqual({
    changes: [],
    unchanged: 5,
    deleted: 0,
    deletionsHeld: undefined,
    contested: [],
  });
  const turned = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([key, member]) => [key, turned(member)]),
        )
      : value;
  const respelled = new Map(
    [...before].map(([urn, { root, aspects }]) => [
      urn,
      {
        root,
        aspects: new Map(
          [...aspects].map(([name, text]) => [name, JSON.stringify(turned(JSON.parse(text)), null, 2)]),
        ),
      },
    ]),
  );
  expect(planScan(await scan(five), respelled, options).changes).toEqual([]);
});

test('only what differs is changed', async () => {
  const plan = planScan(await scan({ ...five, 'b.csv': 'id,label\n1,x\n' }), await known(five), options);
  expect(told(plan.changes)).toEqual(['UPSERT b datasetProperties', 'UPSERT b schemaMetadata']);
  const more = planScan(await scan({ ...five, 'f.csv': csv }), await known(five), options);
  expect(told(more.changes)).toEqual([
    'UPSERT f datasetProperties',
    'UPSERT f schemaMetadata',
    'UPSERT f status',
  ]);
});

test('a stored value that cannot be read is written again', async () => {
  const before = new Map(await known(five));
  const [urn] = before.keys();
  before.set(urn!, {
    root: 'lake',
    aspects: new Map([...before.get(urn!)!.aspects, ['status', '{"removed":']]),
  });
  expect(told(planScan(await scan(five), before, options).changes)).toEqual(['UPSERT a status']);
});

test('what vanished is deleted, after all else', async () => {
  const plan = planScan(
    await scan({ ...but(five, 'c.csv', 'b.csv'), 'a.csv': 'id\n1\n' }),
    await known(five),
    options,
  );
  expect(told(plan.changes)).toEqual([
    'UPSERT a datasetProperties',
    'UPSERT a schemaMetadata',
    'DELETE b null',
    'DELETE c null',
  ]);
  expect([plan.deleted, plan.deletionsHeld]).toEqual([2, undefined]);
});

test('40 % is deleted, more is not, unless told so', async () => {
  const before = await known(five);
  const found = await scan(but(five, 'a.csv', 'b.csv', 'c.csv'));
  const held = planScan(found, before, options);
  expect(held).toMatchObject({
    changes: [],
    deleted: 0,
    deletionsHeld: { reason: 'too-many', count: 3, owned: 5 },
  });
  const allowed = planScan(found, before, { ...options, allowDeletions: true });
  expect([told(allowed.changes), allowed.deletionsHeld]).toEqual([
    ['DELETE a null', 'DELETE b null', 'DELETE c null'],
    undefined,
  ]);
  expect(planScan(await scan({}), before, options)).toMatchObject({ deletionsHeld: { count: 5 } });
});

test.for<[string, Entries]>([
  ['a file', { 'e.csv': { broken: 'EACCES' } }],
  ['a folder', { 'x/': { broken: 'EIO' } }],
  ['a half-written file', { 'e.csv': Buffer.from([0x69, 0xff]) }],
  ['a file of another format', { 'new.json': '<xml/>' }],
])('a scan that could not read %s deletes nothing, and still changes the rest', async ([, broken]) => {
  const before = await known(five);
  const found = await scan({ ...but(five, 'a.csv'), 'b.csv': 'id\n1\n', ...broken });
  const plan = planScan(found, before, options);
  const [state, ...changes] = plan.changes.filter(({ aspect }) => aspect !== 'status');
  expect(state).toMatchObject({ aspect: 'fileState', value: { state: 'unread', failed: 1 } });
  expect(told(changes)).toEqual(['UPSERT b datasetProperties', 'UPSERT b schemaMetadata']);
  expect(plan.deletionsHeld).toEqual({ reason: 'read-error', count: 1, owned: 5 });
  const allowed = planScan(found, before, { ...options, allowDeletions: true });
  expect(told(allowed.changes).at(-1)).toBe('DELETE a null');
  expect(allowed.deleted).toBe(1);
});

test('of a file that is read as empty only that is said; it is neither deleted nor in the way', async () => {
  const plan = planScan(await scan({ ...but(five, 'a.csv'), 'b.csv': '' }), await known(five), options);
  expect(told(plan.changes)).toEqual(['UPSERT b fileState', 'DELETE a null']);
});

test('the state of a file is told once, in place of nothing else, and taken back once it can be read', async () => {
  const before = await known({ ...five, 'p/o/1.csv': csv, 'p/o/2.csv': csv });
  const ill: Entries = { ...five, 'e.csv': 'a\0b', 'p/o/1.csv': csv, 'p/o/2.csv': { broken: 'EACCES' } };
  const first = planScan(await scan(ill), before, options);
  expect(first.changes.map(({ urn, aspect, value }) => [urn.split(',')[1], aspect, value])).toMatchObject([
    ['e', 'fileState', { state: 'unread', failures: [{ path: 'e.csv', code: 'FILE_NOT_TEXT' }] }],
    ['p.o', 'datasetProperties', {}],
    ['p.o', 'fileState', { state: 'partly', failures: [{ path: 'p/o/2.csv', reason: 'EACCES' }] }],
  ]);
  const after = apply(before, first.changes);
  expect(planScan(await scan(ill), after, options).changes).toEqual([]);
  const well = planScan(await scan({ ...five, 'p/o/1.csv': csv, 'p/o/2.csv': csv }), after, options);
  expect(told(well.changes)).toEqual([
    'DELETE e fileState',
    'UPSERT p.o datasetProperties',
    'DELETE p.o fileState',
  ]);
});

test('when a profile was seen is no change of it', async () => {
  const at = (seenAtMs: number, entries: Entries) =>
    gatherScan(scanFolder(memoryFiles(entries), { source: 'lake', readers: tableReaders, seenAtMs }));
  const before = apply(new Map(), planScan(await at(1, five), new Map(), options).changes);
  expect(planScan(await at(2, five), before, options)).toMatchObject({ changes: [], unchanged: 5 });
  const more = planScan(await at(3, { ...five, 'a.csv': `${csv}2,y\n` }), before, options);
  expect(told(more.changes)).toEqual(['UPSERT a datasetProperties', 'UPSERT a datasetProfile']);
  expect(more.changes[1]!.value).toEqual({
    timestampMillis: 3,
    rowCount: 2,
    columnCount: 2,
    sizeInBytes: 16,
  });
});

test('read errors alone hold nothing', async () => {
  const plan = planScan(await scan({ ...five, 'e.csv': { broken: 'EIO' } }), await known(five), options);
  expect(told(plan.changes)).toEqual(['UPSERT e fileState']);
  expect(plan.deletionsHeld).toBeUndefined();
});

test('what another source or nobody scanned is never deleted; what another owns is not changed', async () => {
  const before = new Map(await known(five));
  const [a, b, c] = [...before.keys()] as [string, string, string];
  before.set(a, { ...before.get(a)!, root: 'other' });
  before.set(b, { ...before.get(b)!, root: undefined });
  const gone = planScan(await scan(but(five, 'a.csv', 'b.csv')), before, options);
  expect([gone.changes, gone.deleted, gone.deletionsHeld]).toEqual([[], 0, undefined]);
  const wide = 'id,more\n1,2\n';
  const changed = planScan(
    await scan({ ...five, 'a.csv': wide, 'b.csv': wide, 'c.csv': wide }),
    before,
    options,
  );
  expect(changed.contested).toEqual([a]);
  expect(new Set(changed.changes.map(({ urn }) => urn))).toEqual(new Set([b, c]));
});

const isDeletion = ({ change }: ScanChange): boolean => change === 'DELETE';
const urns = ['u:a', 'u:b', 'u:c', 'u:d', 'u:e', 'u:f'];
const value: fc.Arbitrary<AspectValue> = fc.dictionary(
  fc.constantFrom('x', 'y', '__proto__'),
  fc.json().map((text) => JSON.parse(text)),
  { maxKeys: 2 },
);
const entity = fc.record({
  urn: fc.constantFrom(...urns),
  aspects: fc.dictionary(fc.constantFrom('p', 'q', 'r'), value, { minKeys: 1 }),
});
const refusal = fc.record({
  kind: fc.constant('refused' as const),
  path: fc.constant('f'),
  code: fc.constantFrom('FILE_EMPTY' as const, 'FILE_UNREADABLE' as const),
  reason: fc.constant(''),
  urn: fc.constantFrom(...urns, undefined),
});
const anyScans: fc.Arbitrary<ScanFound> = fc.record({
  entities: fc.uniqueArray(entity, { selector: ({ urn }) => urn, maxLength: 6 }).map((found) =>
    found.map(({ urn, aspects }) => ({
      kind: 'entity' as const,
      urn,
      path: urn,
      aspects: new Map(Object.entries(aspects)),
      problems: [],
    })),
  ),
  states: fc.array(
    fc.constantFrom(...urns).map((urn) => ({
      kind: 'state' as const,
      ...{ urn, path: urn },
      aspects: new Map<string, AspectValue>([
        ['status', { removed: false }],
        ['fileState', { state: 'unread' }],
      ]),
    })),
    { maxLength: 1 },
  ),
  refused: fc.array(refusal, { maxLength: 2 }),
  skipped: fc.constant([]),
});
/** A walk yields a URN as an entity or as a state, never as both. */
const scans = anyScans.map((found) => ({
  ...found,
  states: found.states.filter(({ urn }) => !found.entities.some((each) => each.urn === urn)),
}));
const knowns: fc.Arbitrary<KnownMap> = fc
  .uniqueArray(fc.tuple(entity, fc.constantFrom('lake', 'lake', 'other', undefined)), {
    selector: ([{ urn }]) => urn,
    maxLength: 6,
  })
  .map(
    (all) =>
      new Map(
        all.map(([{ urn, aspects }, root]) => [
          urn,
          { root, aspects: new Map(Object.entries(aspects).map(([name, of]) => [name, JSON.stringify(of)])) },
        ]),
      ),
  );

test('for any scan and any past: planning again after applying gives nothing, and nothing foreign is touched', () => {
  fc.assert(
    fc.property(scans, knowns, fc.boolean(), (found, before, allowDeletions) => {
      const told = { ...options, allowDeletions };
      const plan = planScan(found, before, told);
      const after = apply(before, plan.changes);
      const again = planScan(found, after, told);
      // What this scan added counts as owned next time: then a share held as too large may be small enough.
      const late = plan.deletionsHeld?.reason === 'too-many' ? again.changes.filter(isDeletion) : [];
      expect(again.changes).toEqual(late);
      if (late.length === 0) expect(again.deletionsHeld?.reason).toBe(plan.deletionsHeld?.reason);
      const seen = new Set([...found.entities, ...found.states, ...found.refused].map(({ urn }) => urn));
      const unread = found.refused.some(({ code }) => code !== 'FILE_EMPTY');
      const owned = [...before].filter(([, { root }]) => root === 'lake').length;
      const deleted = plan.changes.filter(isDeletion);
      expect(deleted.length).toBe(plan.deleted);
      for (const { urn } of deleted) expect([before.get(urn)!.root, seen.has(urn)]).toEqual(['lake', false]);
      if (!allowDeletions) expect(deleted.length).toBeLessThanOrEqual(unread ? 0 : owned * 0.4);
      for (const [urn, { root }] of before)
        if (root === 'other') expect(after.get(urn)).toBe(before.get(urn));
      for (const { urn, aspects } of found.entities) {
        if (plan.contested.includes(urn)) continue;
        for (const [name, wanted] of aspects)
          expect(JSON.parse(after.get(urn)!.aspects.get(name)!)).toEqual(JSON.parse(JSON.stringify(wanted)));
      }
    }),
    { numRuns: 300 },
  );
});

test('planned item by item it is the same plan', () => {
  fc.assert(
    fc.property(scans, knowns, (found, before) => {
      const planner = scanPlanner(before, options);
      const items: FoundItem[] = [...found.refused, ...found.states, ...found.entities];
      const changes = items.flatMap((item) => planner.take(item));
      const end = planner.finish(ownedBy(before, 'lake'));
      expect({ ...end, changes: [...changes, ...end.changes] }).toEqual(planScan(found, before, options));
    }),
  );
});
