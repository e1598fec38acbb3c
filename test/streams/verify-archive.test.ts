import { cpSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { folderReading } from '../../src/adapters/folder/reading.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { formatCheckpoint, parseCheckpoint } from '../../src/formats/checkpoint.ts';
import { eventSchemaSha256 } from '../../src/formats/event.ts';
import { recordHash, recordLeafText } from '../../src/formats/leaf.ts';
import { parseNote, signNote } from '../../src/formats/note.ts';
import { formatSkey, parseSkey, parseVkey } from '../../src/formats/note-key.ts';
import {
  encodeBlock,
  encodeRecord,
  encodeSegment,
  readSegment,
  readTail,
  segmentHeader,
  syncMarker,
} from '../../src/formats/segment.ts';
import { entryBundle, readEntryBundle } from '../../src/formats/tile.ts';
import type { Finding } from '../../src/streams/archive-finding.ts';
import { leavesName } from '../../src/streams/archive-names.ts';
import { openSegment } from '../../src/streams/chain.ts';
import { segmentLeaves } from '../../src/streams/leaves.ts';
import { repairArchive } from '../../src/streams/repair-archive.ts';
import {
  type ArchiveReport,
  type VerifyArchiveOptions,
  verifyArchive,
} from '../../src/streams/verify-archive.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { chapters, makeWhole, wholeLane, wholeRecords, wholeSigner } from '../given/whole-archive.ts';

const segments = 'archive/segments/annal/1/0';
const tree = 'state/trees/annal/1/0';
const checkpoints = 'archive/checkpoints/annal/1/0';
const segmentAt = (first: number): string => `${segments}/${String(first).padStart(20, '0')}.avro`;
const checkpointAt = (size: number): string => `${checkpoints}/${String(size).padStart(20, '0')}`;
const blobOf = (path: string): string => path.replace(/^(?:archive|state)\//, '');

let whole: string;
let dir: string;
beforeAll(async () => {
  whole = await mkdtemp(join(tmpdir(), 'annal-whole-'));
  await using store = folderArchive({ dir: whole });
  await makeWhole(store);
});
afterAll(() => rm(whole, { recursive: true, force: true }));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-verify-'));
  cpSync(whole, dir, { recursive: true });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function verified(given: Partial<VerifyArchiveOptions> = {}): Promise<ArchiveReport> {
  await using store = folderReading({ dir });
  const clock = { ...systemClock, wait: async () => undefined };
  return verifyArchive({ store, clock, deep: true, keys: [], kept: [], ...given });
}

const change = async (path: string, to: (bytes: Buffer) => Uint8Array | string): Promise<void> =>
  writeFile(join(dir, path), to(await readFile(join(dir, path))));

const flipped =
  (at: number, bit = 0) =>
  (bytes: Buffer) => {
    const changed = Buffer.from(bytes);
    changed[at < 0 ? bytes.length + at : at]! ^= 1 << bit;
    return changed;
  };

/** The segment with one record that says something else, as whoever can write segments would make it. */
const forged = (offset: number) => (bytes: Buffer) => {
  const { header, records } = readSegment(bytes);
  const all = [...records()].map(({ record }) =>
    record.offset === offset ? recordOf(anEvent({ n: 999_999 }), offset) : record,
  );
  return encodeSegment(header, all);
};

/** All that was found, without reasons. */
const told = ({ findings }: ArchiveReport): Partial<Finding>[] =>
  findings.map(({ part, wrong, of, blob, offset, leaf }) => ({ part, wrong, of, blob, offset, leaf }));

describe('a whole archive', () => {
  test.each([false, true])('has nothing wrong, deep %s', async (deep) => {
    const report = await verified({ deep });
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ truth: 0, derived: 0, records: 990, cuts: 2, schemas: deep ? 1 : 0 });
    expect(report.lanes).toMatchObject([
      {
        ...{ next: 1_100, leaves: 992, tree: 992, signed: 992, segments: 8 },
        missing: [
          { kind: 'hole', first: 300, next: 310 },
          { kind: 'gap', first: 700, next: 800 },
        ],
      },
    ]);
  });

  test('verifying writes nothing', async () => {
    await change(`${tree}/tile/0/000`, flipped(9));
    const before = await snapshot();
    await verified();
    expect(await snapshot()).toEqual(before);
  });
});

async function snapshot(of = dir): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(of, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(of.length + 1), (await readFile(path)).toString('base64'));
  }
  return files;
}

const segmentFault = (blob: string, wrong: string, offset: number | null, leaf: number | null) => ({
  ...{ part: 'segment', of: 'truth', blob: blobOf(blob), wrong, offset, leaf },
});

describe('truth that is at fault is named by segment, offset and leaf', () => {
  test('a flipped bit, wherever it is', async () => {
    const path = segmentAt(487);
    const sound = await readFile(join(dir, path));
    const plain = [...readSegment(sound).records()].map(({ bytes }) => Buffer.from(bytes));
    let seen = 0;
    for (let at = 3; at < sound.length; at += Math.ceil(sound.length / 16)) {
      await writeFile(join(dir, path), flipped(at, at % 8)(sound));
      const { findings, truth } = await verified();
      if (truth === 0) {
        // Bits that a decoder has no use for: the records are what they were.
        const now = readSegment(await readFile(join(dir, path)));
        expect([...now.records()].map(({ bytes }) => Buffer.from(bytes))).toEqual(plain);
        continue;
      }
      seen += 1;
      const own = findings.filter(({ of }) => of === 'truth');
      expect(own.map(({ blob }) => blob)).toContain(blobOf(path));
      expect(
        own.every(({ offset }) => offset! >= 487 && offset! <= 664),
        String(at),
      ).toBe(true);
    }
    expect(seen).toBeGreaterThan(12);
  });

  test.each([
    4_096, 0,
  ])('a record that was forged together with its bundle, %i tiles kept', async (tilesKept) => {
    expect((await verified({ tilesKept })).findings).toEqual([]);
    await change(segmentAt(487), forged(500));
    const leaf = 500 - 310 + 301;
    const record = recordHash(encodeRecord(recordOf(anEvent({ n: 999_999 }), 500)));
    await change(`${tree}/tile/entries/001`, (bytes) =>
      entryBundle(
        readEntryBundle(bytes).with(
          leaf - 256,
          Buffer.from(recordLeafText({ epoch: 1, partition: 0, offset: 500 }, record)),
        ),
      ),
    );
    const report = await verified({ tilesKept });
    expect(told(report)).toEqual([segmentFault(segmentAt(487), 'altered', 500, leaf)]);
  });

  test('a record that was forged', async () => {
    await change(segmentAt(487), forged(500));
    const report = await verified();
    // 301 leaves up to offset 310, the hole being one of them.
    expect(told(report).filter(({ part }) => part === 'segment')).toEqual([
      segmentFault(segmentAt(487), 'altered', 500, 500 - 310 + 301),
    ]);
    expect(report.findings[0]).toMatchObject({ leaves: 1 });
    expect(report.truth).toBe(1);
  });

  test('a segment that was cut off', async () => {
    await change(segmentAt(177), (bytes) => bytes.subarray(0, bytes.length - 40));
    expect(told(await verified())).toContainEqual(segmentFault(segmentAt(177), 'unreadable', 177, 177));
  });

  test.each([false, true])('a segment that is missing, deep %s', async (deep) => {
    await rm(join(dir, segmentAt(310)));
    const report = await verified({ deep });
    expect(told(report)).toEqual([segmentFault(segmentAt(310), 'missing', 310, 301)]);
    if (deep) expect(report.lanes[0]!.leaves).toBeNull();
  });

  test('what comes after a missing segment is checked all the same', async () => {
    await rm(join(dir, segmentAt(310)));
    await change(segmentAt(487), forged(500));
    expect(told(await verified())).toEqual([
      segmentFault(segmentAt(310), 'missing', 310, 301),
      segmentFault(segmentAt(487), 'altered', 500, 491),
    ]);
  });

  test.each([false, true])('the end of an archive that is missing, deep %s', async (deep) => {
    await rm(join(dir, segmentAt(800)));
    await rm(join(dir, 'state/tail'), { recursive: true });
    expect(told(await verified({ deep }))).toEqual([segmentFault(segmentAt(800), 'missing', 800, 692)]);
  });

  test.each([false, true])('segments that were put in, deep %s', async (deep) => {
    const within = encodeSegment(wholeLane, wholeRecords(200, 210));
    await writeFile(join(dir, segmentAt(200)), within);
    const behind = encodeSegment(wholeLane, wholeRecords(2_000, 2_010));
    await writeFile(join(dir, segmentAt(2_000)), behind);
    expect(told(await verified({ deep })).filter(({ of }) => of === 'truth')).toEqual([
      segmentFault(segmentAt(200), 'extra', 200, 300),
      segmentFault(segmentAt(977), 'missing', 977, 869),
    ]);
  });

  test('a segment put in where the chain ends, in the place of the tail', async () => {
    const records = wholeRecords(977, 1_200).map((record) => recordOf(anEvent({ n: 5 }), record.offset));
    await writeFile(join(dir, segmentAt(977)), encodeSegment(wholeLane, records));
    expect(told(await verified())).toContainEqual(segmentFault(segmentAt(977), 'altered', 977, 869));
  });

  test.each([false, true])('a segment that was renamed, deep %s', async (deep) => {
    await rename(join(dir, segmentAt(487)), join(dir, segmentAt(488)));
    expect(told(await verified({ deep }))).toEqual([
      segmentFault(segmentAt(487), 'missing', 487, 478),
      expect.objectContaining({ blob: blobOf(segmentAt(488)), wrong: 'misplaced', offset: 488 }),
    ]);
  });

  test.each([false, true])('segments that changed places, deep %s', async (deep) => {
    const [one, other] = [
      await readFile(join(dir, segmentAt(177))),
      await readFile(join(dir, segmentAt(487))),
    ];
    await writeFile(join(dir, segmentAt(177)), other);
    await writeFile(join(dir, segmentAt(487)), one);
    expect(told(await verified({ deep })).filter(({ wrong }) => wrong === 'misplaced')).toMatchObject([
      { blob: blobOf(segmentAt(177)), offset: 177, leaf: 177 },
      { blob: blobOf(segmentAt(487)), offset: 487 },
    ]);
  });

  test.each([false, true])('a segment that is shown again, deep %s', async (deep) => {
    await copyFile(join(dir, segmentAt(177)), join(dir, segmentAt(977)));
    expect(told(await verified({ deep }))).toContainEqual(
      expect.objectContaining({ blob: blobOf(segmentAt(977)), wrong: 'misplaced', offset: 977, leaf: 869 }),
    );
  });

  test('a segment of a lane that no epoch has', async () => {
    await mkdir(join(dir, 'archive/segments/annal/1/7'));
    await copyFile(
      join(dir, segmentAt(0)),
      join(dir, 'archive/segments/annal/1/7/00000000000000000000.avro'),
    );
    expect(told(await verified({ deep: false }))).toMatchObject([{ part: 'segment', wrong: 'extra' }]);
  });

  test('a tail that says something else', async () => {
    const tail = 'state/tail/annal/1/0.avro';
    const [file] = (await readdir(join(dir, dirname(tail)))).filter((name) => name.startsWith('0.avro'));
    await change(`${dirname(tail)}/${file}`, (bytes) => {
      const { header, records } = readTail(bytes);
      const all = [...records()].map(({ record }) =>
        record.offset === 1_050 ? recordOf(anEvent({ n: 999_999 }), 1_050) : record,
      );
      const sync = syncMarker(header.topic, header.epoch, header.partition);
      return Buffer.concat([segmentHeader(header), encodeBlock(all, sync, header.codec)]);
    });
    expect(told(await verified())).toContainEqual({
      ...{ part: 'tail', wrong: 'altered', of: 'truth', blob: 'tail/annal/1/0.avro', offset: 1_050 },
      leaf: 1_050 - 977 + 869,
    });
  });

  test('a schema that is missing, and one that is another', async () => {
    const path = `archive/schemas/${eventSchemaSha256}.json`;
    await change(path, (bytes) => `${bytes} `);
    const place = { part: 'schema', of: 'truth', blob: blobOf(path), offset: 0, leaf: 0 };
    expect(told(await verified())).toEqual([{ ...place, wrong: 'altered' }]);
    await rm(join(dir, path));
    expect(told(await verified())).toEqual([{ ...place, wrong: 'missing' }]);
  });

  test('cuts that are missing, or say something else', async () => {
    const path = 'archive/cuts/annal/00000000000000000000';
    await change(path, flipped(30));
    expect((await verified()).findings).toContainEqual(
      expect.objectContaining({ part: 'cuts', of: 'truth', blob: blobOf(path), leaf: 0 }),
    );
    await rm(join(dir, path));
    expect((await verified()).findings).toContainEqual(
      expect.objectContaining({ part: 'cuts', of: 'truth', wrong: 'missing', leaf: 0 }),
    );
  });
});

const signed = (size: number, root: Buffer, signer = wholeSigner): string =>
  signNote(
    formatCheckpoint({ origin: 'annal/019a9f00-0000-7000-8000-0000000000aa/annal/1/0', size, root }),
    signer,
  );

describe('a checkpoint that is at fault is named', () => {
  const fault = (size: number, wrong: string) =>
    expect.objectContaining({ part: 'checkpoint', of: 'truth', blob: blobOf(checkpointAt(size)), wrong });

  test.each([false, true])('by its root, deep %s', async (deep) => {
    await change(checkpointAt(691), () => signed(691, Buffer.alloc(32, 1)));
    const { findings } = await verified({ deep });
    expect(findings).toEqual([fault(691, 'altered')]);
  });

  test('by its signature', async () => {
    const another = (letter: string): string => (letter === 'A' ? 'B' : 'A');
    await change(checkpointAt(691), (bytes) => bytes.toString().replace(/.(?=.{20}\n$)/, another));
    expect((await verified({ deep: false })).findings).toEqual([fault(691, 'unsigned')]);
    const other = parseSkey(formatSkey('somebody', Buffer.alloc(32, 3)));
    await change(checkpointAt(691), () => signed(691, Buffer.alloc(32, 1), other));
    expect((await verified({ deep: false })).findings).toEqual([fault(691, 'unsigned')]);
  });

  test('by its size', async () => {
    await copyFile(join(dir, checkpointAt(992)), join(dir, checkpointAt(655)));
    expect((await verified({ deep: false })).findings).toEqual([fault(655, 'misplaced')]);
  });

  test('where the newest one falls', async () => {
    await copyFile(join(dir, checkpointAt(691)), join(dir, `${tree}/checkpoint`));
    expect((await verified({ deep: false })).findings).toMatchObject([
      { part: 'newest-checkpoint', wrong: 'falls', of: 'derived' },
    ]);
  });

  test('where it is gone', async () => {
    await rm(join(dir, checkpointAt(992)));
    expect((await verified({ deep: false })).findings).toEqual([fault(992, 'missing')]);
  });

  test('records are held against it where there is no tree at all', async () => {
    await rm(join(dir, 'state/trees'), { recursive: true });
    await change(segmentAt(487), forged(500));
    const { findings } = await verified();
    const [found, ...more] = findings.filter(({ of }) => of === 'truth');
    expect(more).toEqual([]);
    expect(found).toMatchObject({ part: 'checkpoint', wrong: 'altered' });
    expect(found!.leaf).toBeLessThanOrEqual(491);
    expect(found!.leaf! + found!.leaves!).toBeGreaterThan(491);
  });

  test('keys of the auditor count alone', async () => {
    const other = parseSkey(formatSkey('somebody', Buffer.alloc(32, 3)));
    const { findings, keysGiven } = await verified({ deep: false, keys: [parseVkey(other.vkey)] });
    expect(keysGiven).toBe(true);
    // Two of the cuts, and those of the lane.
    const own = await readdir(join(dir, checkpoints));
    expect(findings.filter(({ wrong }) => wrong === 'unsigned')).toHaveLength(2 + own.length);
    expect((await verified({ deep: false, keys: [parseVkey(wholeSigner.vkey)] })).findings).toEqual([]);
  });
});

describe('against a checkpoint that somebody kept', () => {
  const kept = async (size: number) => {
    const note = await readFile(join(whole, checkpointAt(size)));
    return [{ ...parseCheckpoint(parseNote(note).text), blob: 'kept by the auditor' }];
  };

  test.each([
    false,
    true,
  ])('a log that was written anew and signed by the same key is found, deep %s', async (deep) => {
    await rm(dir, { recursive: true });
    const records = wholeRecords(0, 700).with(50, recordOf(anEvent({ n: 777 }), 50));
    await using store = folderArchive({ dir });
    await makeWhole(store, { of: [{ records }] });
    expect((await verified({ deep })).findings).toEqual([]);
    const { findings } = await verified({ deep, kept: await kept(691) });
    expect(findings).toMatchObject([{ part: 'checkpoint', of: 'truth', blob: 'kept by the auditor' }]);
  });

  test('an archive that was set back is found', async () => {
    await rm(dir, { recursive: true });
    await using store = folderArchive({ dir });
    await makeWhole(store, { of: chapters.slice(0, 1) });
    const { findings } = await verified({ deep: false, kept: await kept(992) });
    expect(findings).toMatchObject([{ wrong: 'missing', of: 'truth', offset: 700, leaf: 691 }]);
  });
});

describe('what is derived is named, told from truth, and made again', () => {
  const damages: readonly (readonly [string, string, (bytes: Buffer) => Uint8Array | string])[] = [
    ['tile', 'tile/0/001', flipped(70)],
    ['tile', 'tile/0/003.p/224', flipped(70)],
    ['tile', 'tile/0/000', (bytes) => bytes.subarray(0, 99)],
    ['tile', 'tile/1/000.p/3', flipped(40)],
    ['bundle', 'tile/entries/001', flipped(100)],
    ['bundle', 'tile/entries/003.p/224', flipped(100)],
    ['head', 'head.json', (bytes) => bytes.toString().replace(/"root":"..../, '"root":"AAAA')],
    ['head', 'head.json', () => '{}'],
    ['newest-checkpoint', 'checkpoint', flipped(5)],
  ];

  test.each(damages)('a wrong %s: %s', async (part, path, to) => {
    await change(`${tree}/${path}`, to);
    const report = await verified();
    expect(report.findings).toMatchObject([{ part, of: 'derived', blob: blobOf(`${tree}/${path}`) }]);
    await repaired(report);
  });

  test.each(
    damages.filter(([part]) => part !== 'bundle'),
  )('a wrong %s is seen without reading records: %s', async (part, path, to) => {
    await change(`${tree}/${path}`, to);
    expect((await verified({ deep: false })).findings).toMatchObject([{ part, of: 'derived' }]);
  });

  test.each([
    'tile/0/002',
    'tile/1/000.p/3',
    'tile/entries/000',
    'head.json',
    'checkpoint',
  ])('a missing one: %s', async (path) => {
    await rm(join(dir, tree, path));
    const report = await verified();
    expect(report.findings).toMatchObject([{ wrong: 'missing', of: 'derived' }]);
    await repaired(report);
  });

  test('files of leaves', async () => {
    await using store = folderArchive({ dir });
    const lane = { topic: 'annal', epoch: 1, partition: 0 };
    for (const first of [0, 177]) {
      const segment = await openSegment(store.truth, lane, first);
      await store.state.replace(leavesName(lane, first), segmentLeaves(lane, segment!));
    }
    expect((await verified()).findings).toEqual([]);
    const first = `state/${leavesName(lane, 0)}`;
    await change(first, flipped(33));
    const report = await verified();
    expect(report.findings).toMatchObject([{ part: 'leaves', wrong: 'altered', blob: blobOf(first) }]);
    expect(await repairArchive({ store, clock: systemClock, report })).toMatchObject([{ done: true }]);
    expect((await verified()).findings).toEqual([]);
  });

  const index = 'state/index/annal/1/0/00000000000000000487.json';
  const base = 'state/base/annal/1/0';
  const chunk = `${base}/00000000000000000977/000000`;
  test.each<readonly [string, string, (bytes: Buffer) => Uint8Array | string]>([
    ['index', index, (bytes) => bytes.toString().replace('"next":664', '"next":665')],
    ['index', index, (bytes) => bytes.toString().replace(/"max":[0-9]{4}/, '"max":9999')],
    ['index', index, (bytes) => bytes.toString().replace(/"keys":"[^"]*"/, '"keys":"AAAAAAAAAAA="')],
    ['index', index, () => 'no JSON'],
    ['base', `${base}/head.json`, (bytes) => bytes.toString().replace('"next":977', '"next":978')],
    ['base', chunk, (bytes) => Buffer.concat([bytes, bytes])],
    ['base', chunk, (bytes) => bytes.subarray(0, bytes.length - 3)],
  ])('a wrong %s: %s', async (part, path, to) => {
    await change(path, to);
    const report = await verified();
    expect(report.findings).toMatchObject([{ part, of: 'derived' }]);
    await repaired(report);
  });

  test.each([index, chunk])('a missing one: %s', async (path) => {
    await rm(join(dir, path));
    const report = await verified({ deep: false });
    expect(report.findings).toMatchObject([{ wrong: 'missing', of: 'derived' }]);
    await repaired(report);
  });

  test('the tree of cuts', async () => {
    await change('state/trees/annal/meta/tile/0/000.p/2', flipped(3));
    const report = await verified();
    expect(report.findings).toMatchObject([{ part: 'tile', of: 'derived', partition: null }]);
    await repaired(report);
  });

  test('beside a fault of truth it stays as evidence', async () => {
    await change(segmentAt(487), forged(500));
    await change(`${tree}/tile/entries/000`, flipped(100));
    const report = await verified();
    expect(report).toMatchObject({ truth: 1, derived: 1 });
    const before = await snapshot();
    await using store = folderArchive({ dir });
    expect(await repairArchive({ store, clock: systemClock, report })).toMatchObject([{ done: false }]);
    expect(await snapshot()).toEqual(before);
  });

  /** Everything is as it was in the whole archive, but for what tells no more than when somebody signed. */
  async function repaired(report: ArchiveReport): Promise<void> {
    await using store = folderArchive({ dir });
    const done = await repairArchive({ store, clock: systemClock, report });
    expect(done.length).toBeGreaterThan(0);
    expect(done.every((one) => one.done)).toBe(true);
    expect((await verified()).findings).toEqual([]);
    const ofInterest = ([path]: [string, string]): boolean => !/^\.new|head\.json$/.test(path);
    expect([...(await snapshot())].filter(ofInterest).sort()).toEqual(
      [...(await snapshot(whole))].filter(ofInterest).sort(),
    );
  }
});

describe('since a moment', () => {
  test('earlier segments are not looked at, later ones whole', async () => {
    await change(segmentAt(0), forged(20));
    await change(segmentAt(487), forged(500));
    const position = { epoch: 1, partition: 0, offset: 480 };
    const report = await verified({ since: { position } });
    expect(told(report)).toEqual([segmentFault(segmentAt(487), 'altered', 500, 491)]);
    expect(report.lanes[0]!.records).toBe(990 - 300);
    const time = 1_763_600_000_000 + 480;
    expect(told(await verified({ since: { time } }))).toEqual(told(report));
  });

  test('a position that no record has is refused', async () => {
    const position = { epoch: 1, partition: 0, offset: 305 };
    await expect(verified({ since: { position } })).rejects.toMatchObject({ code: 'MOMENT_INVALID' });
  });
});
