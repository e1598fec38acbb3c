import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { formatCheckpoint } from '../../src/formats/checkpoint.ts';
import { leafHash } from '../../src/formats/leaf.ts';
import { formatNote, parseNote, signNote } from '../../src/formats/note.ts';
import { cosign, formatSkey, parseSkey } from '../../src/formats/note-key.ts';
import { consistencyProof, inclusionProof } from '../../src/formats/proof.ts';
import { entryBundles, hashTiles } from '../../src/formats/tile.ts';
import { treeEdge } from '../../src/formats/tree-edge.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { startArchiver } from '../../src/streams/archiver.ts';
import { publishCut } from '../../src/streams/meta-log.ts';
import { checkpointName, laneTreeName, metaTreeName, type TreeName } from '../../src/streams/tree-names.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { memoryLog } from '../given/memory-log.ts';

const log = '019a9f00-0000-7000-8000-0000000000aa';
const signer = parseSkey(formatSkey(`annal/${log}`, Buffer.alloc(32, 5)));
const lane = { topic: 'annal', epoch: 1, partition: 0 };
const tree = laneTreeName(log, lane);
const meta = metaTreeName(log, lane.topic);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the checker; what it is does test/foreign/checker/main.go say. */
function checker(...args: readonly string[]): Promise<Ended> {
  const program = process.env.ANNAL_TEST_CHECKER;
  if (program === undefined) throw new Error('run this with `npm run test:foreign`');
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 120_000, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, stdout, stderr }),
    );
  });
}

let dir: string;
let store: ArchiveStore;
const sizes = [1, 255, 300, 700, 1_100];

/** An archive as an archiver leaves it: tail and segments, a hole, a gap, a checkpoint at each size. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-foreign-'));
  store = folderArchive({ dir });
  const given = memoryLog();
  const records = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => recordOf(anEvent({ n: from + n }), from + n));
  const kept = [...records(0, 400), ...records(410, 800), ...records(900, 1_208)];
  for (const size of sizes) {
    given.records = kept.slice(0, size);
    const archiver = startArchiver({
      ...{ store, clock: systemClock, log: given, name: lane.topic, group: 'archiver', retryMs: 1 },
      limits: { ...archiveLimits, flushMs: 10, flushBytes: 20_000, sealBytes: 60_000 },
      onNotice: () => undefined,
      trees: { log, signer, limits: { tilesMs: 60_000, signMs: 0, leavesMax: 65_536 } },
    });
    await archiver.reach([given.records.at(-1)!.offset + 1], AbortSignal.timeout(20_000));
    await archiver.stop();
    const cut = { store, clock: systemClock, log, name: lane.topic, epoch: 1, partitions: 1 };
    await publishCut({ ...cut, signer, signMs: 0 });
  }
}, 60_000);
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const prefixOf = ({ folder }: TreeName): string => join(dir, 'state/trees', folder);
const check = (of: TreeName = tree, prefix = prefixOf(of)): Promise<Ended> =>
  checker('check', prefix, of.origin, signer.vkey);

/** A copy of the tree, to be changed. */
async function copied(): Promise<string> {
  const prefix = await mkdtemp(join(dir, 'copy-'));
  await cp(prefixOf(tree), prefix, { recursive: true });
  return prefix;
}

const entriesIn = (prefix: string, size: number): Buffer[] => {
  const entries: Buffer[] = [];
  for (let index = 0; index * 256 < size; index += 1) {
    const width = Math.min(256, size - index * 256);
    const path = `tile/entries/${String(index).padStart(3, '0')}${width === 256 ? '' : `.p/${width}`}`;
    const bundle = readFileSync(join(prefix, path));
    for (let at = 0; at < bundle.length; at += 2 + bundle.readUInt16BE(at))
      entries.push(bundle.subarray(at + 2, at + 2 + bundle.readUInt16BE(at)));
  }
  return entries;
};

interface Proofs {
  readonly size: number;
  readonly root: string;
  readonly inclusion: Readonly<Record<string, readonly string[]>>;
  readonly consistency: Readonly<Record<string, readonly string[]>>;
}

/** Our proofs in the same form. */
function ours(hashes: readonly Buffer[], { inclusion, consistency }: Proofs): Proofs {
  const edge = treeEdge();
  for (const hash of hashes) edge.append(hash);
  const base64 = (proof: readonly Buffer[]): string[] => proof.map((hash) => hash.toString('base64'));
  const all = (of: Proofs['inclusion'], prove: (n: number) => readonly Buffer[]) =>
    Object.fromEntries(Object.keys(of).map((n) => [n, base64(prove(Number(n)))]));
  return {
    size: hashes.length,
    root: edge.head().root.toString('base64'),
    inclusion: all(inclusion, (n) => inclusionProof(hashes, n)),
    consistency: all(consistency, (n) => consistencyProof(hashes, n)),
  };
}

const proofsOf = (stdout: string): Proofs => {
  const found = JSON.parse(stdout) as Proofs;
  // Go writes an empty list as null.
  const plain = (of: Proofs['inclusion']) =>
    Object.fromEntries(Object.entries(of).map(([n, proof]) => [n, proof ?? []]));
  return { ...found, inclusion: plain(found.inclusion), consistency: plain(found.consistency) };
};

describe('what an archiver wrote', () => {
  test('is accepted by Tessera and by Go, with the proofs that are ours', async () => {
    const { code, stdout, stderr } = await check();
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("Successfully fsck'd log");
    const proofs = proofsOf(stdout);
    expect(proofs.size).toBeGreaterThan(1_000);
    expect(proofs).toEqual(ours(entriesIn(prefixOf(tree), proofs.size).map(leafHash), proofs));
  });

  test('is accepted at every checkpoint that was ever signed', async () => {
    for await (const { name } of store.truth.list(`checkpoints/${tree.folder}/`)) {
      const prefix = await copied();
      await writeFile(join(prefix, 'checkpoint'), (await store.truth.read(name))!);
      const { code, stderr } = await check(tree, prefix);
      expect(code, `${name}: ${stderr}`).toBe(0);
      const older = await checker(
        'older',
        prefixOf(tree),
        tree.origin,
        signer.vkey,
        join(prefix, 'checkpoint'),
      );
      expect(older.code, `${name}: ${older.stderr}`).toBe(0);
    }
  });

  test('has a meta log that is accepted as well', async () => {
    const { code, stdout, stderr } = await check(meta);
    expect(code, stderr).toBe(0);
    expect(proofsOf(stdout).size).toBe(sizes.length);
  });

  test('is accepted with the cosignature of a witness', async () => {
    const { text, signatures } = parseNote(readFileSync(join(prefixOf(meta), 'checkpoint')));
    const witness = { name: 'witness.example/w1', seed: Buffer.alloc(32, 6) };
    const { vkey, keyId, signature } = cosign(witness, text, 1_700_000_000);
    const file = join(dir, 'cosigned');
    const note = formatNote({ text, signatures: [...signatures, { name: witness.name, keyId, signature }] });
    await writeFile(file, note);
    const { code, stderr } = await checker('cosigned', file, signer.vkey, vkey);
    expect(code, stderr).toBe(0);
  });
});

describe('a tree of 0, 1, 256 and 70,000 leaves', () => {
  test.each([0, 1, 256, 70_000])('%i', async (size) => {
    const prefix = mkdtempSync(join(tmpdir(), 'annal-foreign-size-'));
    const entries = Array.from({ length: size }, (_, n) => `event-${n}`);
    const hashes = entries.map((entry) => leafHash(entry));
    const edge = treeEdge();
    for (const hash of hashes) edge.append(hash);
    for (const { path, bytes } of [...entryBundles(entries), ...hashTiles(hashes)]) {
      await mkdir(dirname(join(prefix, path)), { recursive: true });
      writeFileSync(join(prefix, path), bytes);
    }
    const text = formatCheckpoint({ origin: tree.origin, ...edge.head() });
    writeFileSync(join(prefix, 'checkpoint'), signNote(text, signer));
    const { code, stdout, stderr } = await check(tree, prefix);
    expect(code, stderr).toBe(0);
    const proofs = proofsOf(stdout);
    expect(proofs).toEqual(ours(hashes, proofs));
    rmSync(prefix, { recursive: true });
  });
});

describe('what somebody changed', () => {
  const flipped = async (file: string): Promise<void> => {
    const bytes = readFileSync(file);
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    await writeFile(file, bytes);
  };
  test.each<[string, (prefix: string) => Promise<void>]>([
    ['a byte of a tile', (prefix) => flipped(join(prefix, 'tile/0/001'))],
    ['a byte of a bundle', (prefix) => flipped(join(prefix, 'tile/entries/002'))],
    ['a bundle that is gone', (prefix) => rm(join(prefix, 'tile/entries/001'))],
    ['a tile that is gone', (prefix) => rm(join(prefix, 'tile/0/002'))],
    [
      'two bundles that changed places',
      async (prefix) => {
        const [one, two] = ['001', '002'].map((name) => join(prefix, 'tile/entries', name)) as [
          string,
          string,
        ];
        await rename(one, `${one}.x`);
        await rename(two, one);
        await rename(`${one}.x`, two);
      },
    ],
    [
      'the size in a checkpoint',
      async (prefix) => {
        const file = join(prefix, 'checkpoint');
        await writeFile(file, readFileSync(file, 'utf8').replace(/^\d+$/m, '1024'));
      },
    ],
    ['a byte of a checkpoint', (prefix) => flipped(join(prefix, 'checkpoint'))],
  ])('is noticed: %s', async (_, change) => {
    const prefix = await copied();
    await change(prefix);
    const { code, stderr } = await check(tree, prefix);
    expect(code).toBe(1);
    expect(stderr).not.toContain("Successfully fsck'd log");
  });

  test('and signed again is whole in itself, and refused by whoever kept an older checkpoint', async () => {
    const prefix = await copied();
    const size = proofsOf((await check()).stdout).size;
    const entries = entriesIn(prefix, size).with(5, Buffer.from('forged'));
    await rm(join(prefix, 'tile'), { recursive: true });
    const hashes = entries.map((entry) => leafHash(entry));
    for (const { path, bytes } of [...entryBundles(entries), ...hashTiles(hashes)]) {
      await mkdir(dirname(join(prefix, path)), { recursive: true });
      await writeFile(join(prefix, path), bytes);
    }
    const edge = treeEdge();
    for (const hash of hashes) edge.append(hash);
    const text = formatCheckpoint({ origin: tree.origin, ...edge.head() });
    await writeFile(join(prefix, 'checkpoint'), signNote(text, signer));
    expect((await check(tree, prefix)).code).toBe(0);
    const kept = join(dir, 'kept');
    await writeFile(kept, (await store.truth.read(checkpointName(tree, 255)))!);
    expect((await checker('older', prefixOf(tree), tree.origin, signer.vkey, kept)).code).toBe(0);
    expect((await checker('older', prefix, tree.origin, signer.vkey, kept)).code).toBe(1);
  });
});
