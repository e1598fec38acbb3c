import { createPublicKey, verify } from 'node:crypto';
import { readSegment } from '../../src/formats/segment.ts';
import type { Blobs, BlobWatcher, Created } from './blobs.ts';
import type { CutLaws } from './cut-laws.ts';
import type { LaneLaws } from './lane-laws.ts';
import type { Acting } from './sim-process.ts';

export interface LawsOptions {
  readonly lanes: readonly LaneLaws[];
  readonly cuts: CutLaws;
  /** Id of the log. */
  readonly log: string;
  readonly isSigned: (note: string) => boolean;
  readonly broken: (what: string) => void;
  readonly cover: (cell: string) => void;
  /** Whose request is being done. */
  readonly acting: () => Acting | undefined;
  /** Another writer left a segment in it. */
  readonly isStrange: (lane: LaneLaws) => boolean;
}

interface Head {
  readonly size: number;
  readonly root: string;
}

/** Looks at every change of an archive, when it is made: the invariants of docs/architecture/simulation.md. */
export function laws(options: LawsOptions): BlobWatcher {
  const { lanes, cuts, log, isSigned, broken, cover, acting, isStrange } = options;
  const newest = new Map<string, number>();
  const heads = new Map<string, number>();
  const signed = new Map<string, number>();
  const laneOf = (name: string): LaneLaws | undefined =>
    lanes.find(({ path }) => name.includes(`/${path}/`) || name.endsWith(`/${path}.avro`));

  /** A size and a root: no more than is durable, and its root. */
  function isTrue(name: string, lane: LaneLaws, { size, root }: Head): void {
    const { leaves } = lane;
    if (isStrange(lane)) return;
    if (size > leaves.size) {
      broken(`${name}: of size ${size}, ${leaves.size} leaves are durable`);
      return;
    }
    if (leaves.root(size).toString('base64') !== root) broken(`${name}: another root than the leaves give`);
  }

  function checkpoint(name: string, bytes: Buffer, lane: LaneLaws): Head {
    const note = bytes.toString('utf8');
    const [origin, size, root] = note.split('\n');
    if (origin !== `annal/${log}/${lane.path}`) broken(`${name}: of ${origin}`);
    if (!isSigned(note)) broken(`${name}: its signature is wrong`);
    const head = { size: Number(size), root: root! };
    isTrue(name, lane, head);
    return head;
  }

  /** What the codec cannot read is broken too; whoever wrote it is not to hear of it. */
  function looked(name: string, look: () => void): void {
    try {
      look();
    } catch (error) {
      broken(`${name}: ${error instanceof Error ? error.message : String(error)} ${JSON.stringify(error)}`);
    }
  }

  return {
    creating: (name, bytes, outcome, stands) => looked(name, () => creating(name, bytes, outcome, stands)),
    changed: (name, after) => looked(name, () => changed(name, after)),
    refused,
    leased: (isTaken) => {
      if (isTaken) cover('the lease passes to another');
    },
  };

  function refused(name: string, call: 'write' | 'append'): void {
    const what = kindOfRefused(name, call);
    if (what !== undefined && acting()?.isZombie === true)
      cover(`a zombie ${what} with an old ETag: refused`);
  }

  /** What two writers made of one name. */
  function raced(bytes: Buffer, stands: Buffer): void {
    const [mine, theirs] = [readSegment(bytes).header, readSegment(stands).header];
    if (mine.kind !== 'data') cover(`two record the same ${mine.kind}`);
    else if (mine.next === theirs.next) cover('two seal the same tail');
    else cover(mine.next > theirs.next ? 'a shorter segment has the name' : 'a longer segment has the name');
  }

  function creating(name: string, bytes: Buffer, outcome: Created, stands: Buffer): void {
    if (isOfCuts(name)) {
      cuts.creating(name, bytes, outcome, stands);
      return;
    }
    const lane = laneOf(name);
    if (lane === undefined) return;
    if (name.startsWith('segments/')) {
      if (outcome === 'exists') raced(bytes, stands);
      if (outcome === 'created') lane.segmentMade(name, bytes);
      else if (!isStrange(lane)) lane.segmentTried(name, bytes, stands);
      return;
    }
    const { size } = checkpoint(name, bytes, lane);
    if (name !== `checkpoints/${lane.path}/${String(size).padStart(20, '0')}`) broken(`${name}: of ${size}`);
    if (!stands.equals(bytes)) broken(`${name}: two of one size differ`);
    const before = signed.get(lane.path) ?? 0;
    if (outcome === 'created' && size < before) cover('a zombie signs an older size');
    if (outcome === 'exists') cover('two sign the same size');
    signed.set(lane.path, Math.max(size, before));
  }

  function changed(name: string, after: Buffer | undefined): void {
    if (isOfCuts(name)) {
      if (after !== undefined) cuts.changed(name, after);
      return;
    }
    const lane = laneOf(name);
    if (lane === undefined) return;
    if (name.startsWith('tail/')) {
      if (acting()?.isLate === true) cover('a late write to the tail, under an ETag that is still good');
      lane.tailChanged(after);
    }
    if (name.startsWith('trees/') && name.endsWith('/checkpoint')) {
      const { size } = checkpoint(name, after!, lane);
      if (size < (newest.get(name) ?? 0)) broken(`${name}: fell from ${newest.get(name)} to ${size}`);
      if ((signed.get(lane.path) ?? 0) < size) broken(`${name}: of ${size}, which is not in the truth`);
      newest.set(name, size);
    }
    if (name.startsWith('trees/') && name.endsWith('/head.json')) {
      const head = JSON.parse(after!.toString('utf8')) as Head;
      isTrue(name, lane, head);
      if (head.size < (heads.get(name) ?? 0)) broken(`${name}: fell to ${head.size}`);
      heads.set(name, head.size);
    }
  }
}

const isOfCuts = (name: string): boolean => name.startsWith('cuts/') || name.includes('/meta/');

const kindOfRefused = (name: string, call: 'write' | 'append'): string | undefined => {
  if (name.startsWith('tail/')) return call === 'append' ? 'flushes' : 'trims';
  if (!name.startsWith('trees/')) return undefined;
  if (name.endsWith('/next.json')) return 'decides a cut';
  if (isOfCuts(name)) return name.endsWith('/head.json') ? 'stores the tree of cuts' : undefined;
  if (name.endsWith('/head.json')) return 'stores a tree';
  return name.endsWith('/checkpoint') ? 'raises the newest checkpoint' : 'writes a full tile';
};

/** Checks the first signature of a note (C2SP signed-note, Ed25519). */
export function noteCheck(vkey: string): (note: string) => boolean {
  const typed = Buffer.from(vkey.split('+').slice(2).join('+'), 'base64');
  const prefix = Buffer.from('302a300506032b6570032100', 'hex');
  const key = createPublicKey({
    key: Buffer.concat([prefix, typed.subarray(1)]),
    format: 'der',
    type: 'spki',
  });
  const right = new Set<string>();
  return (note) => {
    if (right.has(note)) return true;
    const end = note.indexOf('\n\n') + 1;
    const encoded = /^— \S+ (\S+)\n$/.exec(note.slice(end + 1))?.[1];
    if (end === 0 || encoded === undefined) return false;
    const signature = Buffer.from(encoded, 'base64').subarray(4);
    if (!verify(null, Buffer.from(note.slice(0, end)), key, signature)) return false;
    right.add(note);
    return true;
  };
}

const partials = (size: number): { level: number; index: number; width: number }[] =>
  [0, 1].flatMap((level) => {
    const whole = Math.floor(size / 256 ** level);
    return whole % 256 === 0 ? [] : [{ level, index: Math.floor(whole / 256), width: whole % 256 }];
  });

const tileName = (path: string, level: number | 'entries', index: number): string =>
  `trees/${path}/tile/${level}/${String(index).padStart(3, '0')}`;

const bundle = (texts: readonly string[]): Buffer =>
  Buffer.concat(
    texts.flatMap((text) => [Buffer.of(text.length >> 8, text.length & 0xff), Buffer.from(text, 'latin1')]),
  );

/** What has to lie there at the end, when nobody writes any more: the whole tree and its checkpoints. */
export function finalFaults({ truth, state }: Blobs, { path, leaves }: LaneLaws): string[] {
  const faults: string[] = [];
  const { size } = leaves;
  const want = (name: string, bytes: Buffer): void => {
    if (state.get(name)?.bytes.equals(bytes) !== true) faults.push(`${name} is missing or another`);
  };
  const tiles = (level: number, index: number, width: number): void => {
    const part = width === 256 ? '' : `.p/${width}`;
    want(tileName(path, level, index) + part, leaves.hashes(8 * level, 256 * index, width));
    if (level > 0) return;
    const texts = Array.from({ length: width }, (_, at) => leaves.text(256 * index + at));
    want(tileName(path, 'entries', index) + part, bundle(texts));
  };
  for (let index = 0; 256 * (index + 1) <= size; index += 1) tiles(0, index, 256);
  const sizes = [...truth.keys()]
    .filter((name) => name.startsWith(`checkpoints/${path}/`))
    .map((name) => Number(name.slice(-20)));
  for (const of of new Set([...sizes, size]))
    for (const { level, index, width } of partials(of))
      if (Math.floor(size / 256 ** (level + 1)) === index) tiles(level, index, width);
  const newest = state.get(`trees/${path}/checkpoint`)?.bytes.toString('utf8').split('\n')[1];
  if (Number(newest ?? 0) !== size)
    faults.push(`the newest checkpoint is of ${newest}, there are ${size} leaves`);
  if (Math.max(0, ...sizes) !== size) faults.push(`no checkpoint of ${size} in the truth`);
  return faults;
}
