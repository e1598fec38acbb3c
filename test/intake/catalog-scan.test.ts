import { expect, test } from 'vitest';
import { folderReaders, tableReaders } from '../../src/adapters/scan/registry.ts';
import { type CatalogMemory, keepMemory, noMemory, readMemory } from '../../src/intake/catalog-memory.ts';
import { type CatalogScan, catalogScan } from '../../src/intake/catalog-scan.ts';
import type { KnownEntity, ScanChange } from '../../src/intake/scan-plan.ts';
import type { SubmitResult } from '../../src/intake/submit.ts';
import type { FileTree } from '../../src/ports/file-tree.ts';
import { commit, metaData, version } from '../given/delta.ts';
import { type MemoryEntry, memoryFiles } from '../given/memory-files.ts';
import { memoryState } from '../given/memory-state.ts';

type Entries = Readonly<Record<string, MemoryEntry>>;

/** A log and read model that take what they are given. */
function world() {
  const known = new Map<string, KnownEntity>();
  const told: string[] = [];
  const opened: string[] = [];
  const refuses = new Set<string>();
  const found = { beats: 0 };
  let memory: CatalogMemory = noMemory;
  let appendsLeft = Number.POSITIVE_INFINITY;

  function apply({ urn, aspect, change, value, source }: ScanChange): SubmitResult {
    if (refuses.has(urn)) return { status: 'refused', code: 'EVENT_SHAPE', pointer: '', detail: '' };
    if (appendsLeft-- <= 0) throw new Error('killed');
    told.push(`${change} ${/([^,:]+?)(,PROD\))?$/.exec(urn)![1]} ${aspect}`);
    const aspects = new Map(known.get(urn)?.aspects);
    if (aspect !== null && change === 'UPSERT') aspects.set(aspect, JSON.stringify(value));
    else if (aspect !== null) aspects.delete(aspect);
    if (aspect === null) known.delete(urn);
    else known.set(urn, { root: source.foreign.root, aspects });
    const position = { epoch: 1, partition: 0, offset: told.length };
    return { status: 'appended', urn, aspect, id: '', position };
  }

  const counted =
    (open: FileTree['open']): FileTree['open'] =>
    (path) => {
      opened.push(path);
      return open(path);
    };

  async function scan(entries: Entries, source = 'lake'): Promise<CatalogScan> {
    const tree = memoryFiles(entries);
    told.length = opened.length = found.beats = 0;
    const scanned = await catalogScan({
      ...{ source, readers: tableReaders, folderReaders, version: '1', runId: 'run', seenAtMs: 1, memory },
      tree: { ...tree, open: counted(tree.open) },
      load: async (urns) => new Map(urns.flatMap((urn) => (known.has(urn) ? [[urn, known.get(urn)!]] : []))),
      async *owned() {
        yield* [...known].filter(([, { root }]) => root === source).map(([urn]) => urn);
      },
      submit: async (changes) => changes.map(apply),
      async onBatch(by) {
        memory = by();
      },
      async beat() {
        found.beats += 1;
      },
      signal: new AbortController().signal,
    });
    memory = scanned.memory;
    return scanned;
  }
  return {
    ...{ scan, known, told, opened, found, refuses },
    killAfter: (appends: number): void => {
      appendsLeft = appends;
    },
    forget: (): void => {
      memory = noMemory;
    },
  };
}

const csv = 'id,name\n1,x\n';
const lake: Entries = {
  'shop/orders.csv': csv,
  'shop/people.csv': csv,
  'shop/daily/2024-01.csv': csv,
  'shop/daily/2024-02.csv': csv,
  [`shop/lines/_delta_log/${version(0)}.json`]: commit(metaData),
  'web/hits.csv': csv,
};
const but = (entries: Entries, ...gone: string[]): Entries =>
  Object.fromEntries(Object.entries(entries).filter(([path]) => !gone.includes(path)));

test('a file is looked into once: the next scan opens nothing and says nothing', async () => {
  const { scan, told, opened, found } = world();
  expect(await scan(lake)).toMatchObject({ looked: 5, same: 0, unread: 0, deleted: 0 });
  expect([new Set(opened).size, told.length]).toEqual([6, 29]);
  expect(await scan(lake)).toMatchObject({ looked: 0, same: 5, events: 0 });
  expect([opened, told]).toEqual([[], []]);
  // It lives all the same.
  expect(found.beats).toBeGreaterThan(5);
});

test('only what changed is looked into: a file, the parts of one table, a log', async () => {
  const { scan, told, opened } = world();
  await scan(lake);
  await scan({ ...lake, 'web/hits.csv': 'id,more\n1,x\n' });
  expect(opened).toEqual(['web/hits.csv']);
  expect(told).toEqual(['UPSERT web.hits schemaMetadata']);
  await scan({ ...lake, 'web/hits.csv': 'id,more\n1,x\n', 'shop/daily/2024-03.csv': csv });
  expect(opened.sort()).toEqual(['01', '02', '03'].map((month) => `shop/daily/2024-${month}.csv`));
  const log = `shop/lines/_delta_log/${version(1)}.json`;
  await scan({ ...lake, 'web/hits.csv': 'id,more\n1,x\n', 'shop/daily/2024-03.csv': csv, [log]: '{}' });
  expect(opened.length).toBe(2);
  expect(told).toEqual(['UPSERT shop.lines datasetProperties']);
});

test('killed anywhere, it goes on: what is in the log is remembered, and nothing else', async () => {
  const plain = world();
  await plain.scan(lake);
  const many = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`shop/t${i}x.csv`, csv]));
  for (const appends of [0, 7, 450, 700, 1_000]) {
    const { scan, known, killAfter, opened } = world();
    killAfter(appends);
    await expect(scan(many)).rejects.toThrow('killed');
    killAfter(Number.POSITIVE_INFINITY);
    const found = await scan(many);
    expect(opened.length).toBe(250 - found.same);
    expect(found.same).toBe(appends < 497 ? 0 : appends < 997 ? 99 : 199);
    expect([...known.values()].filter(({ aspects }) => aspects.has('schemaMetadata'))).toHaveLength(250);
    expect(await scan(many)).toMatchObject({ same: 250, events: 0 });
  }
});

test('what intake refused, and what could not be read, is looked into again', async () => {
  const { scan, refuses, opened } = world();
  const urn = 'urn:li:dataset:(urn:li:dataPlatform:file,web.hits,PROD)';
  refuses.add(urn);
  const ill = { ...lake, 'shop/orders.csv': { broken: 'EACCES' } };
  expect(await scan(ill)).toMatchObject({ refused: 5, unread: 1, firstUnread: { path: 'shop/orders.csv' } });
  refuses.clear();
  expect(await scan(ill)).toMatchObject({ refused: 0, events: 5, unread: 1 });
  expect(opened.sort()).toEqual(['shop/orders.csv', 'web/hits.csv']);
  expect(await scan(lake)).toMatchObject({ unread: 0, looked: 1 });
});

test('what is gone is deleted, with or without a memory', async () => {
  for (const forgets of [false, true]) {
    const { scan, told, forget } = world();
    await scan(lake);
    if (forgets) forget();
    expect(await scan(but(lake, 'web/hits.csv'))).toMatchObject({ deleted: 2, deletionsHeld: undefined });
    expect(told.filter((line) => line.startsWith('DELETE'))).toHaveLength(2);
    expect(await scan(but(lake, 'web/hits.csv'))).toMatchObject({ deleted: 0, events: 0 });
  }
});

test('a scan that met a read error, or would delete more than 40 %, deletes nothing, now and next time', async () => {
  const { scan } = world();
  await scan(lake);
  const few = { 'web/hits.csv': csv };
  for (const _ of [1, 2]) {
    expect(await scan(few)).toMatchObject({
      deleted: 0,
      deletionsHeld: { reason: 'too-many', count: 5, owned: 7 },
    });
    const ill = { ...but(lake, 'shop/orders.csv'), 'web/hits.csv': { broken: 'EIO' } };
    expect(await scan(ill)).toMatchObject({ deleted: 0, deletionsHeld: { reason: 'read-error', count: 1 } });
  }
  expect(await scan(but(lake, 'shop/orders.csv'))).toMatchObject({ deleted: 1 });
});

test('what another source took over is neither deleted nor remembered', async () => {
  const { scan, known } = world();
  await scan(lake);
  const urn = 'urn:li:dataset:(urn:li:dataPlatform:file,web.hits,PROD)';
  known.set(urn, { ...known.get(urn)!, root: 'other' });
  expect(await scan(but(lake, 'web/hits.csv'))).toMatchObject({ deleted: 1 });
  expect(known.has(urn)).toBe(true);
  expect(await scan({ ...lake, 'web/hits.csv': 'x,y\n1,2\n' })).toMatchObject({ contested: 1 });
  expect(known.get(urn)!.root).toBe('other');
});

test('a memory is kept and read back; of another version or source, or torn, it says to look again', async () => {
  const state = memoryState();
  const memory = { complete: true, stamps: new Map([['urn:li:a:b', 's']]) };
  await keepMemory(state, 'lake', '1', memory);
  expect(await readMemory(state, 'lake', '1')).toEqual(memory);
  expect(await readMemory(state, 'lake', '2')).toEqual({
    complete: true,
    stamps: new Map([['urn:li:a:b', '']]),
  });
  expect(await readMemory(state, 'pond', '1')).toEqual(noMemory);
  for await (const { name } of state.list(''))
    await state.replace(name, Buffer.from('{"form":1,"stamps":[3'));
  expect(await readMemory(state, 'lake', '1')).toEqual(noMemory);
});
