import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { formatCheckpoint } from '../../src/formats/checkpoint.ts';
import { leafHash, treeRoot } from '../../src/formats/leaf.ts';
import { signNote } from '../../src/formats/note.ts';
import { formatSkey, parseSkey } from '../../src/formats/note-key.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { type ArchivePoint, archiveLimits } from '../../src/streams/archive-lane.ts';
import { type ArchiveNotice, type Archiver, startArchiver } from '../../src/streams/archiver.ts';
import { laneTree, type TreeLimits, treeLimits } from '../../src/streams/lane-tree.ts';
import { checkpointName, laneTreeName, newestCheckpointName } from '../../src/streams/tree-names.ts';
import { signTree } from '../../src/streams/tree-signing.ts';
import { openTreeWriter } from '../../src/streams/tree-writer.ts';
import { blobsOf } from '../given/blobs-of.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { manualClock } from '../given/manual-clock.ts';
import { type MemoryLog, memoryLog } from '../given/memory-log.ts';
import { type PlainTree, plainLeaves, plainTree } from '../given/plain-tree.ts';

const lane = { topic: 'annal', epoch: 1, partition: 0 };
const log = '019a9f00-0000-7000-8000-0000000000aa';
const tree = laneTreeName(log, lane);
const signer = parseSkey(formatSkey(`annal/${log}`, Buffer.alloc(32, 7)));
const records = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, n) => recordOf(anEvent({ n: from + n }), from + n));
const soon = (): AbortSignal => AbortSignal.timeout(25_000);

let dir: string;
let store: ArchiveStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-lane-tree-'));
  store = folderArchive({ dir });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

interface Given {
  readonly of?: ArchiveStore;
  readonly archive?: Partial<typeof archiveLimits>;
  readonly limits?: Partial<TreeLimits>;
  readonly probe?: (point: ArchivePoint) => void;
}

function start(
  of: MemoryLog,
  { of: own = store, archive, limits, probe }: Given = {},
): { readonly archiver: Archiver; readonly notices: ArchiveNotice[] } {
  const notices: ArchiveNotice[] = [];
  const archiver = startArchiver({
    store: own,
    clock: systemClock,
    limits: { ...archiveLimits, flushMs: 10, ...archive },
    log: of,
    name: lane.topic,
    group: 'archiver',
    retryMs: 1,
    onNotice: (notice) => notices.push(notice),
    trees: { log, signer, limits: { tilesMs: 5, signMs: 0, leavesMax: 65_536, ...limits } },
    ...(probe === undefined ? {} : { probe }),
  });
  return { archiver, notices };
}

async function archived(of: MemoryLog, given: Given = {}): Promise<readonly ArchiveNotice[]> {
  const { archiver, notices } = start(of, given);
  await archiver.reach([of.records.at(-1)!.offset + 1], soon());
  await archiver.stop();
  return notices;
}

async function theTree(): Promise<PlainTree> {
  const blobs = await blobsOf(store);
  return plainTree(blobs, tree.folder, plainLeaves(blobs, lane));
}

/** What a writer that stopped in the middle left behind goes when its tile is full. */
const isWrong = (fault: string): boolean => !fault.endsWith('is left over');

const seals = { flushBytes: 20_000, sealBytes: 60_000 };

describe('segments are looked after', () => {
  /** A tree that nobody feeds but the test; how often it looked after the segments. */
  function tended(onSegments: (times: number) => void = () => undefined) {
    const clock = manualClock();
    let times = 0;
    const own = laneTree({
      ...{ store, clock, lane, tree, signer, turns: (work) => work() },
      limits: { tilesMs: 1_000, signMs: 3_600_000, leavesMax: 1_000 },
      async onSegments() {
        times += 1;
        onSegments(times);
      },
    });
    const over = new AbortController();
    own.opened(0);
    const running = own.run(over.signal);
    const stop = async (): Promise<void> => {
      over.abort();
      await running;
    };
    return { own, clock, times: () => times, stop };
  }

  test('at a start, at a seal, and not for nothing', async () => {
    const { own, clock, times, stop } = tended();
    await expect.poll(times).toBe(1);
    own.sealed();
    await expect.poll(times).toBe(2);
    await clock.advance(5_000);
    expect(times()).toBe(2);
    await stop();
  });

  test('at a seal that comes while they are', async () => {
    const { own, times, stop } = tended((nth) => {
      if (nth === 2) own.sealed();
    });
    await expect.poll(times).toBe(1);
    own.sealed();
    await expect.poll(times).toBe(3);
    await stop();
  });

  test('after a hole or gap, which is one', async () => {
    const { own, clock, times, stop } = tended();
    await expect.poll(times).toBe(1);
    own.missing('hole', 0, 5);
    await clock.advance(1_000);
    await expect.poll(times).toBe(2);
    await stop();
  });
});

describe('the tree of a lane', () => {
  test('holds every record, hole and gap, in tiles and bundles that follow from the archive', async () => {
    const given = memoryLog();
    given.records = [...records(0, 300), ...records(310, 700)];
    await archived(given, { archive: seals });
    given.records = records(800, 1_100);
    given.first = 800;
    await archived(given, { archive: seals });
    const { size, faults, checkpoints } = await theTree();
    expect(faults).toEqual([]);
    expect(size).toBe(300 + 1 + 390 + 1 + 300);
    expect(checkpoints.at(-1)).toBe(size);
  });

  test('grows by what is archived, and every checkpoint stays one of its prefixes', async () => {
    const given = memoryLog();
    for (let end = 40; end <= 640; end += 120) {
      given.records = records(0, end);
      await archived(given);
      expect((await theTree()).faults).toEqual([]);
    }
    expect((await theTree()).checkpoints).toEqual(expect.arrayContaining([40, 160, 280, 400, 520, 640]));
  });

  test('goes on from its tiles: no record of a sealed segment is read again', async () => {
    const given = memoryLog();
    given.records = records(0, 600);
    await archived(given, { archive: { sealBytes: 1 } });
    const read: string[] = [];
    const { truth } = store;
    const reading = (name: string): Promise<Buffer | undefined> => {
      read.push(name);
      return truth.read(name);
    };
    const watched: ArchiveStore = { ...store, truth: { ...truth, read: reading } };
    given.records = records(0, 700);
    await archived(given, { of: watched });
    expect((await theTree()).faults).toEqual([]);
    // The end of the chain, once.
    expect(read.filter((name) => name.startsWith('segments/')).length).toBeLessThanOrEqual(1);
  });

  test('more leaves than may wait in memory come from the archive', async () => {
    const given = memoryLog();
    given.records = records(0, 900);
    await archived(given, { archive: { flushBytes: 5_000, sealBytes: 40_000 }, limits: { leavesMax: 30 } });
    expect(await theTree()).toMatchObject({ size: 900, faults: [] });
  });

  test('of an archive that had none is made from the beginning', async () => {
    const given = memoryLog();
    given.records = [...records(0, 350), ...records(360, 500)];
    const without = startArchiver({
      ...{ store, clock: systemClock, log: given, name: lane.topic, group: 'archiver', retryMs: 1 },
      limits: { ...archiveLimits, flushMs: 10, ...seals },
      onNotice: () => undefined,
    });
    await without.reach([500], soon());
    await without.stop();
    expect((await theTree()).faults).toEqual(['no tree']);
    await archived(given);
    expect(await theTree()).toMatchObject({ size: 491, faults: [] });
  });

  test('that was lost is made again, with the tiles of all its checkpoints', async () => {
    const given = memoryLog();
    for (const end of [10, 300, 520]) {
      given.records = records(0, end);
      await archived(given, { archive: { sealBytes: 1 } });
    }
    for await (const { name } of store.state.list('trees/')) await store.state.remove(name);
    given.records = records(0, 530);
    await archived(given);
    expect(await theTree()).toEqual({ size: 530, checkpoints: [10, 300, 520, 530], faults: [] });
  });

  test('without a key it grows, and nobody signs it', async () => {
    const given = memoryLog();
    given.records = records(0, 20);
    const archiver = startArchiver({
      ...{ store, clock: systemClock, log: given, name: lane.topic, group: 'archiver', retryMs: 1 },
      limits: { ...archiveLimits, flushMs: 10 },
      onNotice: () => undefined,
      trees: { log, signer: undefined, limits: { tilesMs: 5, signMs: 0, leavesMax: 1_000 } },
    });
    await archiver.reach([20], soon());
    await archiver.stop();
    expect(await theTree()).toEqual({ size: 20, faults: [], checkpoints: [] });
  });

  test('is signed at a seal and by the hour, not with each flush', async () => {
    const given = memoryLog();
    const hourly = { signMs: 3_600_000 };
    given.records = records(0, 10);
    await archived(given, { limits: hourly });
    given.records = records(0, 20);
    await archived(given, { limits: hourly });
    expect((await theTree()).checkpoints).toEqual([10]);
    given.records = records(0, 30);
    await archived(given, { limits: hourly, archive: { sealBytes: 1 } });
    expect((await theTree()).checkpoints).toEqual([10, 30]);
    expect((await theTree()).faults).toEqual([]);
  });
});

test('a day makes at most thirty blobs that can never be removed, however many events it has', async () => {
  const clock = manualClock();
  const begun = clock.now();
  const given = memoryLog();
  const archiver = startArchiver({
    ...{ store, clock, log: given, name: lane.topic, group: 'archiver', retryMs: 1 },
    limits: archiveLimits,
    onNotice: () => undefined,
    trees: { log, signer, limits: treeLimits },
  });
  const [minute, hour] = [60_000, 3_600_000];
  while (clock.now() - begun < 30 * hour) {
    given.records = records(0, given.records.length + 1);
    given.wake();
    await archiver.reach([given.records.length], soon());
    const { size } = archiver.status()[0]!.tree!.progress ?? { size: -1 };
    // Until the tree has been looked at again: the disk is slower than this clock.
    await expect
      .poll(
        async () => {
          await clock.advance(minute);
          return archiver.status()[0]!.tree!.progress?.size ?? -1;
        },
        { timeout: 10_000, interval: 1 },
      )
      .toBeGreaterThan(size);
    await clock.advance(hour / 6);
  }
  await archiver.stop();
  const days = (clock.now() - begun) / (24 * hour);
  const kept = [...(await blobsOf(store)).truth.keys()];
  expect(kept.filter((name) => name.startsWith('segments/')).length).toBeGreaterThanOrEqual(1);
  expect(kept.filter((name) => name.startsWith('checkpoints/')).length).toBeGreaterThan(10);
  expect(kept.length).toBeLessThanOrEqual(Math.ceil(days * 30));
  expect((await theTree()).faults.filter(isWrong)).toEqual([]);
});

describe('a crash', () => {
  const points: readonly ArchivePoint[] = [
    'after-flush',
    'after-seal',
    'before-tiles',
    'after-tiles',
    'after-progress',
    'before-checkpoint',
    'after-checkpoint',
    'after-newest',
  ];
  test.each(
    points.flatMap((point) => [1, 3].map((nth) => [point, nth] as const)),
  )('%s, time %i: the next start makes the same tree', async (point, nth) => {
    const given = memoryLog();
    given.records = records(0, 100);
    let seen = 0;
    start(given, {
      archive: { flushBytes: 5_000, sealBytes: 20_000 },
      probe: (at) => {
        if (at !== point) return;
        seen += 1;
        // From here on this process is gone: it never comes back from the point.
        if (seen >= nth) return new Promise<never>(() => undefined) as never;
      },
    });
    await expect
      .poll(
        () => {
          given.records = records(0, given.records.length + 30);
          given.wake();
          return seen;
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThanOrEqual(nth);
    given.records = records(0, given.records.length + 120);
    await archived(given, { of: folderArchive({ dir }) });
    const { size, faults } = await theTree();
    expect(size).toBe(given.records.length);
    expect(faults.filter(isWrong)).toEqual([]);
  });
});

describe('any number of writers', () => {
  test('two archivers at once make one tree', async () => {
    const given = memoryLog();
    given.records = records(0, 900);
    const archive = { flushBytes: 4_000, sealBytes: 12_000 };
    const both = [start(given, { archive }), start(given, { archive, of: folderArchive({ dir }) })];
    await Promise.all(both.map(({ archiver }) => archiver.reach([900], soon())));
    await Promise.all(both.map(({ archiver }) => archiver.stop()));
    const { size, faults } = await theTree();
    expect(size).toBe(900);
    expect(faults.filter(isWrong)).toEqual([]);
    expect(both.flatMap(({ notices }) => notices).filter(({ kind }) => kind === 'fault')).toEqual([]);
  });

  const leaf = (n: number): string => `leaf ${n}`;
  const hashes = (size: number): Buffer[] => Array.from({ length: size }, (_, n) => leafHash(leaf(n)));

  async function grown(size: number, from: ArchiveStore = store) {
    const writer = await openTreeWriter({ state: from.state, tree });
    while (writer.size < size) writer.append(leaf(writer.size), writer.size + 1);
    return writer;
  }

  test('a zombie that stores an older size changes nothing, and goes on from the newer one', async () => {
    const zombie = await grown(70, folderArchive({ dir }));
    const other = await grown(300);
    expect(await other.store()).toBe('stored');
    expect(await zombie.store()).toBe('changed');
    const again = await openTreeWriter({ state: store.state, tree });
    expect([again.size, again.head().root]).toEqual([300, treeRoot(hashes(300))]);
  });

  test('a zombie that signs an older size leaves the newest checkpoint where it is', async () => {
    const older = await grown(70);
    await older.store();
    const newer = await grown(300);
    await newer.store();
    expect(await signTree(store, tree, newer.head(), signer)).toBe('signed');
    expect(await signTree(folderArchive({ dir }), tree, older.head(), signer)).toBe('behind');
    // It had looked for a newer one before there was any.
    const late: ArchiveStore = {
      ...store,
      truth: { ...store.truth, list: async function* () {} },
    };
    expect(await signTree(late, tree, older.head(), signer)).toBe('signed');
    const newest = (await store.state.read(newestCheckpointName(tree)))!.bytes.toString();
    expect(newest.split('\n')[1]).toBe('300');
    expect((await store.truth.read(checkpointName(tree, 70)))!.toString()).toContain(
      treeRoot(hashes(70)).toString('base64'),
    );
  });

  test.each([
    70, 300,
  ])('a checkpoint of %i with other leaves is a fork, and nothing newer is signed', async (size) => {
    const forged = hashes(size).with(size - 1, leafHash('forged'));
    const note = signNote(formatCheckpoint({ origin: tree.origin, size, root: treeRoot(forged) }), signer);
    await store.truth.create(checkpointName(tree, size), Buffer.from(note));
    const writer = await grown(300);
    await writer.store();
    await expect(signTree(store, tree, writer.head(), signer)).rejects.toMatchObject({
      code: 'ARCHIVE_FORK',
    });
    expect(await store.state.read(newestCheckpointName(tree))).toBeUndefined();
  });

  test.each([
    [
      'of another origin',
      signNote(formatCheckpoint({ origin: 'annal/other', size: 70, root: treeRoot(hashes(70)) }), signer),
    ],
    [
      'of another size',
      signNote(formatCheckpoint({ origin: tree.origin, size: 71, root: treeRoot(hashes(71)) }), signer),
    ],
    [
      'changed after it was signed',
      signNote(
        formatCheckpoint({ origin: tree.origin, size: 70, root: treeRoot(hashes(71)) }),
        signer,
      ).replace(treeRoot(hashes(71)).toString('base64'), treeRoot(hashes(70)).toString('base64')),
    ],
  ])('a checkpoint %s is refused by name', async (_, note) => {
    await store.truth.create(checkpointName(tree, 70), Buffer.from(note));
    const writer = await grown(300);
    await writer.store();
    await expect(signTree(store, tree, writer.head(), signer)).rejects.toMatchObject({
      code: 'NOTE_INVALID',
      facts: { blob: checkpointName(tree, 70) },
    });
  });

  test('a full tile that is not what the records give is found, and never written over', async () => {
    await store.state.replace(`trees/${tree.folder}/tile/0/000`, Buffer.alloc(8_192));
    const writer = await grown(300);
    await expect(writer.store()).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' });
    const anew = await openTreeWriter({ state: store.state, tree, anew: true });
    while (anew.size < 300) anew.append(leaf(anew.size), anew.size + 1);
    expect(await anew.store()).toBe('stored');
    expect((await openTreeWriter({ state: store.state, tree })).head().root).toEqual(treeRoot(hashes(300)));
  });
});

test('a fork stops the lane, and says why', async () => {
  const given = memoryLog();
  given.records = records(0, 20);
  await archived(given);
  const note = signNote(
    formatCheckpoint({ origin: tree.origin, size: 25, root: treeRoot([leafHash('forged')]) }),
    signer,
  );
  await store.truth.create(checkpointName(tree, 25), Buffer.from(note));
  given.records = records(0, 40);
  const { archiver } = start(given);
  await expect.poll(() => archiver.status()[0]!.state, { timeout: 10_000 }).toBe('halted');
  expect(archiver.status()[0]!.fault).toMatchObject({ code: 'ARCHIVE_FORK' });
  await archiver.stop();
});

test('what ails the tree alone does not keep events from the archive', async () => {
  const given = memoryLog();
  given.records = records(0, 20);
  await archived(given);
  await store.state.replace(`trees/${tree.folder}/tile/0/000.p/20`, Buffer.alloc(640));
  given.records = records(0, 40);
  const { archiver } = start(given);
  await archiver.reach([40], soon());
  await expect
    .poll(() => archiver.status()[0]!.tree?.fault?.code, { timeout: 10_000 })
    .toBe('ARCHIVE_CORRUPT');
  expect(archiver.status()[0]!.state).toBe('running');
  await archiver.stop();
});
