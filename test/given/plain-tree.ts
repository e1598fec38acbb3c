import { createHash } from 'node:crypto';
import { treeRoot } from '../../src/formats/leaf.ts';
import { readSegment, readTail } from '../../src/formats/segment.ts';
import { entryBundles, hashTiles } from '../../src/formats/tile.ts';
import type { PlainBlobs } from './plain-archive.ts';

interface Lane {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
}

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
};

/** Texts of the leaves of all that a lane's blobs hold, by docs/formats/leaf.md. */
export function plainLeaves({ truth, state }: PlainBlobs, { topic, epoch, partition }: Lane): string[] {
  const place = `"v":1,"epoch":${epoch},"partition":${partition}`;
  const path = `${topic}/${epoch}/${partition}`;
  const texts: string[] = [];
  let next = 0;
  const record = (offset: number, bytes: Uint8Array): void => {
    if (offset < next) return;
    texts.push(`{${place},"offset":${offset},"record":"${sha256(bytes).toString('hex')}"}`);
    next = offset + 1;
  };
  for (const name of [...truth.keys()].filter((key) => key.startsWith(`segments/${path}/`)).sort()) {
    const { header, records } = readSegment(truth.get(name)!, name);
    for (const found of records()) record(found.record.offset, found.bytes);
    if (header.kind === 'data') continue;
    const reason = header.kind === 'hole' ? 'sparse' : 'retention';
    const { first, kind } = header;
    texts.push(`{${place},"offset":${first},"next":${header.next},"kind":"${kind}","reason":"${reason}"}`);
    next = header.next;
  }
  const tail = state.get(`tail/${path}.avro`);
  if (tail !== undefined)
    for (const found of readTail(tail).records()) record(found.record.offset, found.bytes);
  return texts;
}

/** What a tree's folder holds, and what is wrong with it where the leaves are these. */
export interface PlainTree {
  readonly size: number;
  /** Sizes of the checkpoints in the truth. */
  readonly checkpoints: readonly number[];
  readonly faults: readonly string[];
}

/**
 * Checks a tree whole: every tile and bundle of its size, that nothing else lies beside them but what a checkpoint needs, that
 * every checkpoint has the root of its first leaves, and that all tiles of its size can be read, full ones in place of partial
 * ones.
 */
export function plainTree({ truth, state }: PlainBlobs, folder: string, texts: readonly string[]): PlainTree {
  const faults: string[] = [];
  const prefix = `trees/${folder}/`;
  const head = state.get(`${prefix}head.json`);
  if (head === undefined) return { size: 0, checkpoints: [], faults: texts.length === 0 ? [] : ['no tree'] };
  const { size, root } = JSON.parse(head.toString()) as { size: number; root: string };
  if (size !== texts.length) faults.push(`${size} leaves of ${texts.length}`);
  const hashes = texts.map((text) => sha256('\0', text));
  const rootOf = (of: number): string => treeRoot(hashes.slice(0, of)).toString('base64');
  if (root !== rootOf(size)) faults.push('another root');
  const filesOf = (of: number) => [...entryBundles(texts.slice(0, of)), ...hashTiles(hashes.slice(0, of))];
  const wanted = new Map(filesOf(size).map(({ path, bytes }) => [path, bytes]));
  const checkpoints: number[] = [];
  for (const [name, bytes] of truth) {
    const [, digits] = new RegExp(`^checkpoints/${folder}/([0-9]{20})$`).exec(name) ?? [];
    if (digits === undefined) continue;
    const [origin, told, toldRoot] = bytes.toString().split('\n');
    checkpoints.push(Number(digits));
    if (Number(told) !== Number(digits)) faults.push(`${name} is of size ${told}`);
    if (!origin!.startsWith('annal/')) faults.push(`${name} is of ${origin}`);
    if (toldRoot !== rootOf(Number(digits))) faults.push(`${name} has another root`);
    for (const file of filesOf(Number(digits))) {
      const full = file.path.replace(/\.p\/[0-9]+$/, '');
      if (state.has(prefix + full)) continue;
      wanted.set(file.path, file.bytes);
    }
  }
  for (const [path, bytes] of wanted)
    if (state.get(prefix + path)?.equals(bytes) !== true) faults.push(`${path} is missing or another`);
  for (const name of state.keys()) {
    const path = name.startsWith(prefix) ? name.slice(prefix.length) : 'checkpoint';
    if (!/^(?:checkpoint|(?:head|next)\.json)$/.test(path) && !wanted.has(path))
      faults.push(`${path} is left over`);
  }
  const newest = state.get(`${prefix}checkpoint`)?.toString().split('\n')[1];
  const last = Math.max(0, ...checkpoints);
  if (Number(newest ?? 0) !== last) faults.push(`the newest checkpoint is of ${newest}, not ${last}`);
  return { size, checkpoints: checkpoints.sort((a, b) => a - b), faults };
}
