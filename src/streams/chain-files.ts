import { Fault, isFault } from '../domain/fault.ts';
import { readSegment, type SegmentFile, type WholeHeader } from '../formats/segment.ts';
import type { TruthStore } from '../ports/archive.ts';
import type { Findings } from './archive-finding.ts';
import { firstOf, type LaneName, segmentName, segmentsOf } from './archive-names.ts';

/** A step along a lane's chain: a segment in its place, or offsets for which there is none that can be read. */
export type ChainStep =
  | {
      readonly kind: 'segment';
      readonly blob: string;
      readonly bytes: number;
      readonly segment: ChainSegment;
    }
  | { readonly kind: 'lost'; readonly from: number; readonly to: number | undefined };

export interface ChainWalk {
  readonly truth: TruthStore;
  readonly lane: LaneName;
  readonly found: Findings;
  /** Index of the leaf that comes next, where it is known. */
  readonly leaf: () => number | null;
}

export type ChainSegment = SegmentFile<WholeHeader>;

interface Fetched {
  readonly first: number;
  readonly blob: string;
  readonly bytes: number;
  readonly found: ChainSegment | Fault;
}

/**
 * The chain of a lane from offset `from` on, as its names and headers say: each segment begins where the one before it ended.
 * What is missing, misplaced or too much is found, and the walk goes on behind it. A segment is fetched once, while the one
 * before it is looked at.
 */
export async function* chainFiles(
  { truth, lane, found, leaf }: ChainWalk,
  from = 0,
): AsyncGenerator<ChainStep, number> {
  const firsts = await firstsOf(truth, lane, found, from);
  let next = from;
  let ahead = fetch(truth, lane, firsts[0]);
  for (let at = 0; ahead !== undefined; at += 1) {
    const file: Fetched = await ahead;
    ahead = fetch(truth, lane, firsts[at + 1]);
    const { first, blob, bytes } = file;
    const { epoch, partition } = lane;
    const place = { part: 'segment', of: 'truth', epoch, partition, leaf: leaf() } as const;
    if (first < next) {
      const reason = `the segment before it reaches to ${next}`;
      found.add({ ...place, wrong: 'extra', blob, offset: first, reason });
      continue;
    }
    if (first > next) {
      const missing = segmentName(lane, next);
      const reason = `offsets ${next} to ${first - 1} stand nowhere`;
      found.add({ ...place, wrong: 'missing', blob: missing, offset: next, reason });
      yield { kind: 'lost', from: next, to: first };
      next = first;
    }
    if (file.found instanceof Fault) {
      const { reason, wrong } = file.found.facts;
      const kind = wrong === 'misplaced' || wrong === 'missing' ? wrong : 'unreadable';
      found.add({ ...place, wrong: kind, blob, offset: first, reason: String(reason) });
      const to = firsts[at + 1];
      yield { kind: 'lost', from: first, to };
      next = to ?? next;
      continue;
    }
    yield { kind: 'segment', blob, bytes, segment: file.found };
    next = file.found.header.next;
  }
  return next;
}

async function firstsOf(
  truth: TruthStore,
  lane: LaneName,
  found: Findings,
  from: number,
): Promise<readonly number[]> {
  const firsts: number[] = [];
  const after = from > 0 ? segmentName(lane, from - 1) : undefined;
  for await (const { name } of truth.list(segmentsOf(lane), after)) {
    const first = firstOf(name);
    if (first !== undefined && segmentName(lane, first) === name) firsts.push(first);
    else
      found.add({
        ...{ part: 'segment', wrong: 'extra', of: 'truth', blob: name },
        ...{ epoch: lane.epoch, partition: lane.partition, reason: 'not a name of a segment' },
      });
  }
  return firsts;
}

function fetch(truth: TruthStore, lane: LaneName, first: number | undefined): Promise<Fetched> | undefined {
  if (first === undefined) return undefined;
  const fetched = open(truth, lane, first);
  // Looked at when its turn comes; until then a failure is not unhandled.
  fetched.catch(() => undefined);
  return fetched;
}

async function open(truth: TruthStore, lane: LaneName, first: number): Promise<Fetched> {
  const blob = segmentName(lane, first);
  const bytes = await truth.read(blob);
  const fault = (wrong: string, reason: string): Fault =>
    new Fault('ARCHIVE_CORRUPT', { blob, wrong, reason });
  if (bytes === undefined) return { first, blob, bytes: 0, found: fault('missing', 'listed and not there') };
  const of = { first, blob, bytes: bytes.length };
  try {
    const segment = readSegment(bytes, blob);
    const { header } = segment;
    const says = `${header.topic}/${header.epoch}/${header.partition} at ${header.first}`;
    return says === `${lane.topic}/${lane.epoch}/${lane.partition} at ${first}`
      ? { ...of, found: segment }
      : { ...of, found: fault('misplaced', `its header says ${says}`) };
  } catch (error) {
    if (!isFault(error, 'ARCHIVE_CORRUPT')) throw error;
    return { ...of, found: error };
  }
}
