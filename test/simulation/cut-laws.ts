import type { Created } from './blobs.ts';
import type { LaneLaws } from './lane-laws.ts';
import { leafList } from './leaf-list.ts';

export interface CutLawsOptions {
  readonly lanes: readonly LaneLaws[];
  /** Id and name of the log. */
  readonly log: string;
  readonly topic: string;
  readonly epoch: number;
  readonly isSigned: (note: string) => boolean;
  readonly broken: (what: string) => void;
  readonly cover: (cell: string) => void;
  /** Another writer left a segment in it: nobody can say what it holds. */
  readonly isStrange: (lane: LaneLaws) => boolean;
}

/** The log of published cuts, looked at after each change by who knows the lanes and nothing of the publisher. */
export interface CutLaws {
  /** How many cuts were decided, and where the last one ends. */
  readonly size: number;
  readonly next: readonly number[];
  /** How much of them has its tiles, and how much is signed. */
  readonly stored: number;
  readonly signed: number;
  changed(name: string, after: Buffer): void;
  creating(name: string, bytes: Buffer, outcome: Created, stands: Buffer): void;
}

interface Leaf {
  readonly v: number;
  readonly time: number;
  readonly cut: string;
  readonly trees: readonly { readonly size: number; readonly root: string }[];
}

export function cutLaws(options: CutLawsOptions): CutLaws {
  const { lanes, log, topic, epoch, isSigned, broken, cover, isStrange } = options;
  const leaves = leafList();
  let last: { readonly time: number; readonly next: readonly number[]; readonly sizes: readonly number[] } = {
    ...{ time: 0, next: lanes.map(() => 0), sizes: lanes.map(() => 0) },
  };
  let [stored, newest, kept] = [0, 0, 0];
  const inTruth = new Set<number>();

  /** A leaf that goes on from the one before, and says of each lane what holds. */
  function decided(name: string, bytes: Buffer): void {
    const { index, leaf } = JSON.parse(bytes.toString('utf8')) as { index: number; leaf: string };
    if (index !== leaves.size) {
      broken(`${name}: decides cut ${index}, ${leaves.size} were`);
      return;
    }
    const { time, cut, trees } = JSON.parse(leaf) as Leaf;
    const [of, ends] = cut.split(':');
    const next = ends!.split('.').map(Number);
    const sizes = trees.map(({ size }) => size);
    if (of !== String(epoch) || next.length !== lanes.length || sizes.length !== lanes.length)
      broken(`${name}: a cut ${cut} with ${sizes.length} trees`);
    if (time < last.time) broken(`${name}: time falls from ${last.time} to ${time}`);
    for (const [at, lane] of lanes.entries()) {
      const [end, size] = [next[at]!, sizes[at]!];
      if (end < last.next[at]! || size < last.sizes[at]!)
        broken(`${name}: lane ${at} falls to ${end}, ${size}`);
      if (isStrange(lane)) continue;
      if (end > lane.next) broken(`${name}: ${end} of lane ${at}, ${lane.next} is durable`);
      if (size > lane.leaves.size)
        broken(`${name}: ${size} leaves of lane ${at}, ${lane.leaves.size} are durable`);
      else if (lane.leaves.root(size).toString('base64') !== trees[at]!.root)
        broken(`${name}: another root of lane ${at} than its leaves give`);
    }
    last = { time, next, sizes };
    leaves.push(leaf);
    cover('a cut is published');
  }

  /** A size and a root: no more than was decided, and its root. */
  function isTrue(name: string, size: number, root: string): void {
    if (size > leaves.size) broken(`${name}: of ${size}, ${leaves.size} cuts were decided`);
    else if (leaves.root(size).toString('base64') !== root)
      broken(`${name}: another root than the cuts give`);
  }

  function checkpoint(name: string, bytes: Buffer): number {
    const note = bytes.toString('utf8');
    const [origin, size, root] = note.split('\n');
    if (origin !== `annal/${log}`) broken(`${name}: of ${origin}`);
    if (!isSigned(note)) broken(`${name}: its signature is wrong`);
    isTrue(name, Number(size), root!);
    if (kept < Number(size)) broken(`${name}: of ${size}, ${kept} cuts stand in the truth`);
    return Number(size);
  }

  /** Cuts that are kept, from the first that was not: each as it was decided. */
  function keeping(name: string, bytes: Buffer, outcome: Created): void {
    const first = Number(name.slice(-20));
    const found = entriesIn(bytes);
    if (outcome === 'exists') cover('two keep the same cuts');
    else if (first !== kept) broken(`${name}: ${kept} cuts were kept`);
    else kept = first + found.length;
    for (const [at, text] of found.entries())
      if (first + at >= leaves.size || leaves.text(first + at) !== text)
        broken(`${name}: cut ${first + at} is not the one that was decided`);
  }

  return {
    get size() {
      return leaves.size;
    },
    get next() {
      return last.next;
    },
    get stored() {
      return stored;
    },
    get signed() {
      return newest;
    },
    changed(name, after) {
      if (name.endsWith('/next.json')) decided(name, after);
      if (name.endsWith('/head.json')) {
        const { size, root } = JSON.parse(after.toString('utf8')) as { size: number; root: string };
        isTrue(name, size, root);
        if (size < stored) broken(`${name}: fell from ${stored} to ${size}`);
        stored = size;
      }
      if (name.endsWith('/checkpoint')) {
        const size = checkpoint(name, after);
        if (size < newest) broken(`${name}: fell from ${newest} to ${size}`);
        if (!inTruth.has(size)) broken(`${name}: of ${size}, which is not in the truth`);
        newest = size;
      }
    },
    creating(name, bytes, outcome, stands) {
      if (name.startsWith('cuts/')) {
        keeping(name, bytes, outcome);
        return;
      }
      const size = checkpoint(name, bytes);
      if (name !== `checkpoints/${topic}/meta/${String(size).padStart(20, '0')}`)
        broken(`${name}: of ${size}`);
      if (!stands.equals(bytes)) broken(`${name}: two of one size differ`);
      inTruth.add(size);
    },
  };
}

/** Entries of a bundle: a length of two bytes before each. */
function entriesIn(bytes: Buffer): string[] {
  const entries: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + bytes.readUInt16BE(at);
    entries.push(bytes.toString('utf8', at + 2, end));
    at = end;
  }
  return entries;
}
