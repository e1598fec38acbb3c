import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { formatCut } from '../../src/domain/cut.ts';
import { Fault } from '../../src/domain/fault.ts';
import { leafHash, treeRoot } from '../../src/formats/leaf.ts';
import { formatSkey, parseSkey } from '../../src/formats/note-key.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { keepCuts, keptCuts } from '../../src/streams/kept-cuts.ts';
import {
  lastCut,
  type MetaLogOptions,
  type MetaPoint,
  type PublishedCut,
  parseMetaLeaf,
  publishCut,
} from '../../src/streams/meta-log.ts';
import { type CutNotice, publishCuts } from '../../src/streams/publish-cuts.ts';
import { laneTreeName, metaTreeName } from '../../src/streams/tree-names.ts';
import { openTreeWriter } from '../../src/streams/tree-writer.ts';
import { blobsOf } from '../given/blobs-of.ts';
import { type ManualClock, manualClock } from '../given/manual-clock.ts';
import { type PlainTree, plainTree } from '../given/plain-tree.ts';

const log = '019a9f00-0000-7000-8000-0000000000aa';
const name = 'annal';
const meta = metaTreeName(log, name);
const signer = parseSkey(formatSkey(`annal/${log}`, Buffer.alloc(32, 9)));
const minute = 60_000;

let dir: string;
let store: ArchiveStore;
let clock: ManualClock;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-meta-'));
  store = folderArchive({ dir });
  clock = manualClock();
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const options = (given: Partial<MetaLogOptions> = {}): MetaLogOptions => ({
  ...{ store, clock, log, name, epoch: 1, partitions: 2, signer, signMs: 60 * minute },
  ...given,
});

/** Grows the tree of a lane to a size. */
async function grow(partition: number, size: number, epoch = 1): Promise<void> {
  const writer = await openTreeWriter({
    state: store.state,
    tree: laneTreeName(log, { topic: name, epoch, partition }),
  });
  while (writer.size < size) writer.append(`leaf ${writer.size}`, writer.size + 1);
  await writer.store();
}

async function published(given: Partial<MetaLogOptions> = {}): Promise<PublishedCut> {
  const cut = await publishCut(options(given));
  if (cut === 'behind') throw new Error('it is behind');
  return cut;
}

/** The meta log as a reader finds it: bundles only. */
async function leavesOf(): Promise<string[]> {
  const { state } = await blobsOf(store);
  const prefix = `trees/${meta.folder}/tile/entries/`;
  const widest = new Map<string, Buffer>();
  for (const [path, bytes] of state) {
    const bundle = path.startsWith(prefix) ? path.replace(/\.p\/[0-9]+$/, '') : undefined;
    if (bundle !== undefined && bytes.length > (widest.get(bundle)?.length ?? 0)) widest.set(bundle, bytes);
  }
  const texts: string[] = [];
  for (const [, bytes] of [...widest].sort(([a], [b]) => (a < b ? -1 : 1)))
    for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at))
      texts.push(bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at)).toString());
  return texts;
}

async function theTree(): Promise<PlainTree> {
  return plainTree(await blobsOf(store), meta.folder, await leavesOf());
}

/** What a writer that stopped in the middle left behind goes when its tile is full. */
const wrong = async (): Promise<string[]> =>
  (await theTree()).faults.filter((fault) => !fault.endsWith('is left over'));

describe('a published cut', () => {
  test('says what every tree of the epoch holds, and is one leaf', async () => {
    await grow(0, 300);
    const cut = await published();
    expect(formatCut(cut.cut)).toBe('1:300.0');
    expect(cut.trees[0]).toEqual({
      size: 300,
      root: treeRoot(Array.from({ length: 300 }, (_, n) => leafHash(`leaf ${n}`))),
    });
    expect(cut.trees[1]).toEqual({ size: 0, root: treeRoot([]) });
    const [leaf] = await leavesOf();
    expect(parseMetaLeaf(leaf!, 0)).toEqual(cut);
    expect(await lastCut(store, log, name)).toEqual(cut);
    expect(await theTree()).toEqual({ size: 1, checkpoints: [1], faults: [] });
  });

  test('comes also when nothing happens, and is signed by the hour', async () => {
    for (let cuts = 1; cuts <= 45; cuts += 1) {
      expect((await published({ signMs: 20 * minute })).index).toBe(cuts - 1);
      await clock.advance(minute);
    }
    const { size, checkpoints, faults } = await theTree();
    expect({ size, checkpoints, faults }).toEqual({ size: 45, checkpoints: [1, 21, 41], faults: [] });
    const times = (await leavesOf()).map((leaf, index) => parseMetaLeaf(leaf, index).time);
    expect(times).toEqual(times.map((_, n) => times[0]! + n * minute));
  });

  test('never says less than the one before, and its time never falls', async () => {
    await grow(0, 20);
    const first = await published();
    await store.state.remove(`trees/${name}/1/0/head.json`);
    expect(await publishCut(options())).toBe('behind');
    expect(await publishCut(options({ epoch: 2 }))).not.toBe('behind');
    expect(await publishCut(options())).toBe('behind');
    const earlier = { now: () => first.time - minute, wait: clock.wait };
    expect((await published({ epoch: 2, clock: earlier })).time).toBe(first.time);
  });

  test.each([
    '{"v":1,"time":1,"cut":"1:0","trees":[]}',
    '{"v":1,"time":1,"cut":"0:0","trees":[{"size":0,"root":""}]}',
    '{"v":1, "time":1,"cut":"1:0","trees":[{"size":0,"root":""}]}',
    '[]',
    '',
  ])('is not %s', (text) => {
    expect(() => parseMetaLeaf(text, 0)).toThrow(expect.objectContaining({ code: 'ARCHIVE_CORRUPT' }));
  });
});

describe('two who publish at once', () => {
  test('make one log: each leaf stands for ever', async () => {
    const other = folderArchive({ dir });
    const late = manualClock(clock.now() + 17);
    const told: PublishedCut[] = [];
    for (let round = 0; round < 12; round += 1) {
      // The other has looked at the log, and is late with what it wants to add.
      const [looked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const waiting = (point: MetaPoint): Promise<void> | undefined => {
        if (point !== 'before-cut') return undefined;
        looked.resolve();
        return go.promise;
      };
      const later = publishCut(options({ store: other, clock: late, probe: waiting }));
      await looked.promise;
      const first = await publishCut(options());
      go.resolve();
      const cuts = [first, await later];
      told.push(...cuts.filter((cut) => cut !== 'behind'));
      await clock.advance(minute);
      await late.advance(minute);
    }
    const leaves = await leavesOf();
    expect(told.length).toBe(12);
    for (const cut of told) expect(parseMetaLeaf(leaves[cut.index]!, cut.index)).toEqual(cut);
    expect(await wrong()).toEqual([]);
    await other[Symbol.asyncDispose]();
  });

  test('a zombie that wakes after it decided a leaf does no harm', async () => {
    const asleep = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const zombie = publishCut(
      options({
        probe: (point) => {
          if (point !== 'after-cut') return;
          reached.resolve();
          return asleep.promise;
        },
      }),
    );
    await reached.promise;
    await clock.advance(minute);
    const next = await published({ store: folderArchive({ dir }) });
    expect(next.index).toBe(1);
    asleep.resolve();
    await zombie;
    expect((await leavesOf()).length).toBe(2);
    expect(await wrong()).toEqual([]);
  });

  test.each([
    'head.json',
    'next.json',
  ])('one that sleeps once it has read %s, through three cuts of another, gives way and finds nothing amiss', async (file) => {
    await published();
    const { state } = store;
    let slept = 0;
    const sleeping: ArchiveStore = {
      ...store,
      state: {
        ...state,
        async read(blob) {
          const found = await state.read(blob);
          if (blob === `trees/${name}/meta/${file}` && slept === 0)
            for (slept = 1; slept <= 3; slept += 1) await published();
          return found;
        },
      },
    };
    expect(await publishCut(options({ store: sleeping }))).toBe('behind');
    expect(slept).toBe(4);
    expect((await leavesOf()).length).toBe(4);
    expect(await wrong()).toEqual([]);
  });
});

describe('a crash', () => {
  const points: readonly MetaPoint[] = [
    'before-cut',
    'after-cut',
    'before-tiles',
    'after-tiles',
    'after-progress',
    'after-kept-cuts',
    'before-checkpoint',
    'after-checkpoint',
    'after-newest',
  ];
  test.each(points)('%s loses no leaf that was decided', async (crashed) => {
    await published({ signMs: 0 });
    await clock.advance(minute);
    const probe = (point: MetaPoint): void => {
      if (point === crashed) throw new Error(point);
    };
    await expect(publishCut(options({ signMs: 0, probe }))).rejects.toThrow(crashed);
    await clock.advance(minute);
    const cut = await published({ signMs: 0 });
    expect(cut.index).toBe(crashed === 'before-cut' ? 1 : 2);
    expect(await wrong()).toEqual([]);
    expect((await theTree()).checkpoints.at(-1)).toBe(cut.index + 1);
  });
});

describe('the truth', () => {
  test('holds every leaf under a checkpoint: with all state lost the log goes on from there', async () => {
    for (let cuts = 0; cuts < 24; cuts += 1) {
      await published({ signMs: 10 * minute });
      await clock.advance(minute);
    }
    const before = await leavesOf();
    const kept: string[] = [];
    for await (const leaf of keptCuts(store.truth, name)) kept.push(leaf);
    expect(kept).toEqual(before.slice(0, 21));
    for await (const { name: blob } of store.state.list('trees/')) await store.state.remove(blob);
    const cut = await published({ signMs: 0 });
    expect(cut.index).toBe(21);
    expect((await leavesOf()).slice(0, 21)).toEqual(before.slice(0, 21));
    expect(await theTree()).toMatchObject({ size: 22, checkpoints: [1, 11, 21, 22], faults: [] });
  });

  test('takes as many blobs as the leaves need', async () => {
    const leaves = Array.from({ length: 600 }, (_, n) => `leaf ${n}`);
    const writer = await openTreeWriter({ state: store.state, tree: meta });
    for (const [at, leaf] of leaves.entries()) writer.append(leaf, at + 1);
    await writer.store();
    await keepCuts(store, name, meta, 300);
    await keepCuts(store, name, meta, 600);
    const kept: string[] = [];
    for await (const leaf of keptCuts(store.truth, name)) kept.push(leaf);
    expect(kept).toEqual(leaves);
  });

  test('with other leaves in it is a fork, and nothing is signed', async () => {
    await published();
    const other = folderArchive({ dir: await mkdtemp(join(dir, 'other-')) });
    for (let cuts = 0; cuts < 3; cuts += 1) {
      await clock.advance(minute);
      await publishCut(options({ store: other, signMs: 0 }));
    }
    for await (const { name: blob } of other.truth.list('cuts/'))
      await store.truth.create(blob, (await other.truth.read(blob))!);
    await published();
    await clock.advance(minute);
    await expect(publishCut(options({ signMs: 0 }))).rejects.toMatchObject({ code: 'ARCHIVE_FORK' });
    expect((await theTree()).checkpoints).toEqual([1]);
    await other[Symbol.asyncDispose]();
  });
});

describe('the publisher', () => {
  const publisher = (given: ArchiveStore, told: number[] = []) =>
    publishCuts({
      ...options({ store: given }),
      ...{ everyMs: minute, lookMs: minute / 3 },
      onNotice: (notice) => {
        if (notice.kind === 'cut') told.push(notice.cut.index);
      },
    });

  test('publishes once a minute, one of many processes', async () => {
    const told: number[][] = [[], [], []];
    const all = told.map((own) => publisher(folderArchive({ dir }), own));
    await expect
      .poll(
        async () => {
          await clock.advance(minute / 3);
          return (await lastCut(store, log, name))?.index ?? 0;
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThanOrEqual(6);
    await Promise.all(all.map((one) => one.stop()));
    const leaves = await leavesOf();
    expect(told.filter((own) => own.length > 0)).toEqual([leaves.map((_, n) => n)]);
    const times = leaves.map((leaf, index) => parseMetaLeaf(leaf, index).time);
    for (const [at, time] of times.slice(1).entries())
      expect(time - times[at]!).toBeGreaterThanOrEqual((minute * 5) / 6);
  });

  test('goes on when a clock went back, and time stays where it was', async () => {
    const ahead = manualClock(clock.now() + 600 * minute);
    const first = await published({ clock: ahead });
    const told: number[] = [];
    const one = publisher(store, told);
    await expect
      .poll(
        async () => {
          await clock.advance(minute / 3);
          return told.length;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0);
    await one.stop();
    expect((await lastCut(store, log, name))!.time).toBe(first.time);
  });

  test('hands over when it stops', async () => {
    const [first, second] = [publisher(folderArchive({ dir })), publisher(folderArchive({ dir }))];
    await clock.advance(minute / 3);
    await expect.poll(async () => (await lastCut(store, log, name))?.index, { timeout: 10_000 }).toBe(0);
    await first.stop();
    await expect
      .poll(
        async () => {
          await clock.advance(minute / 3);
          return (await lastCut(store, log, name))?.index;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0);
    await second.stop();
  });

  test('stops also where the lease cannot be given back, and says so', async () => {
    const notices: CutNotice[] = [];
    const away = new Fault('STORE_UNAVAILABLE', { place: 'a test' });
    let given = 0;
    const one = publishCuts({
      ...options({
        store: {
          ...store,
          async lease() {
            given += 1;
            return { renew: async () => true, [Symbol.asyncDispose]: () => Promise.reject(away) };
          },
        },
      }),
      ...{ everyMs: minute, lookMs: minute / 3, onNotice: (notice: CutNotice) => void notices.push(notice) },
    });
    await clock.advance(minute / 3);
    await expect.poll(() => notices.map(({ kind }) => kind)).toEqual(['cut']);
    await one.stop();
    expect(given).toBe(1);
    expect(notices.at(-1)).toEqual({ kind: 'fault', fault: away });
  });

  test('says what keeps it, and goes on when that has passed', async () => {
    await store.state.replace(`trees/${meta.folder}/next.json`, Buffer.from('x'));
    const one = publisher(store);
    await clock.advance(minute / 3);
    await expect.poll(() => one.fault()?.code, { timeout: 10_000 }).toBe('ARCHIVE_CORRUPT');
    await store.state.remove(`trees/${meta.folder}/next.json`);
    await expect
      .poll(
        async () => {
          await clock.advance(minute / 3);
          return one.fault();
        },
        { timeout: 10_000 },
      )
      .toBeUndefined();
    await one.stop();
  });
});
