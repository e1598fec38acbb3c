import type { Cut } from '../domain/cut.ts';
import type { RecordView } from '../formats/record-view.ts';
import { type RootBuilder, rootOf } from '../formats/root.ts';
import { searchDigest } from '../formats/search-digest.ts';
import type { Clock } from '../ports/clock.ts';
import type { Document, TextDocument } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { foldsOf } from './archive-names.ts';
import { clearPlace } from './buckets.ts';
import { searchTextOf, withSearchText } from './fill-index.ts';
import { type FoldCounts, foldUnits, type History, laneSpans } from './fold-history.ts';
import { historyLane } from './history-lane.ts';

/** What a fold of some entities gives, at one cut. */
export interface FoldedPart {
  readonly root: RootBuilder;
  /** Digest of what searches should find of it. */
  readonly search: string;
  readonly counts: FoldCounts;
}

/** The same entities at two cuts: all that have an event between them, and perhaps a few more. */
export interface Changed {
  readonly before: FoldedPart;
  readonly after: FoldedPart;
  /** Records between the cuts. */
  readonly records: number;
}

interface Ground {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A mebibyte, whatever comes: keys that share a bit are folded as well. */
const markBits = 2 ** 23;

/** Keys of records, each as one bit of a table: it may have keys that were never marked, and lacks none that was. */
function keyMarks() {
  const marks = new Uint8Array(markBits / 8);
  return {
    mark(record: RecordView): void {
      const bit = keyBit(record);
      marks[bit >> 3]! |= 1 << (bit & 7);
    },
    has(record: RecordView): boolean {
      const bit = keyBit(record);
      return (marks[bit >> 3]! & (1 << (bit & 7))) !== 0;
    },
  };
}

/** FNV-1a over the key's bytes; a record without a key is one of the empty key. */
function keyBit({ block, keyStart, keyEnd }: RecordView): number {
  let hash = 0x811c9dc5;
  for (let at = Math.max(0, keyStart); at < keyEnd; at += 1) hash = Math.imul(hash ^ block[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) & (markBits - 1);
}

/**
 * Folds anew, from the archive alone, every entity that has an event between `from` and the end of `history`: as it was at
 * `from`, and as it is at the end. Undefined where there is no event between them. Memory is that of a fold and a mebibyte.
 */
export async function changedSince(
  projection: Projection,
  history: History,
  from: Cut,
  at: Ground,
): Promise<Changed | undefined> {
  const { clock, signal } = at;
  const { mark, has } = keyMarks();
  let records = 0;
  for (const { epoch, partition, end } of laneSpans(history)) {
    const first =
      epoch.epoch < from.epoch ? end : epoch.epoch === from.epoch ? (from.next[partition] ?? 0) : 0;
    if (first >= end) continue;
    const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
    for await (const slice of historyLane(history.store, lane, first, end)) {
      await clock.wait(0);
      signal.throwIfAborted();
      for (const record of slice.records) mark(record);
      records += slice.records.length;
    }
  }
  if (records === 0) return undefined;
  const [before, after] = [foldedPart(), foldedPart()];
  const place = { state: history.store.state, prefix: foldsOf(crypto.randomUUID()) };
  try {
    for await (const unit of foldUnits(projection, { ...history, only: has }, { place }))
      for (const [part, until] of [
        [before, from],
        [after, history.until],
      ] as const)
        for (const documents of unit.documents(part.counts, until)) {
          // Whoever else lives in this process is heard between two of them.
          await clock.wait(0);
          signal.throwIfAborted();
          for (const folded of documents) part.add(withSearchText(projection.definition.fields, folded));
        }
  } finally {
    await clearPlace(place);
  }
  return { before: before.folded(), after: after.folded(), records };
}

function foldedPart() {
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const [root, search] = [rootOf(), searchDigest()];
  return {
    counts,
    add(document: Document | TextDocument): void {
      root.add(document.id, document.version, document.body);
      search.add(document.id, searchTextOf(document));
    },
    folded: (): FoldedPart => ({ root, search: search.hex(), counts }),
  };
}

/** What a whole history counts at the later cut, by what it counted at the earlier one. */
export function countsAfter(counts: FoldCounts, changed: Changed | undefined): FoldCounts {
  if (changed === undefined) return counts;
  const { before, after } = changed;
  const outcomes: FoldCounts['outcomes'] = {};
  for (const name of Object.keys({ ...counts.outcomes, ...after.counts.outcomes })) {
    const outcome = name as keyof typeof outcomes;
    const of = (some: FoldCounts): number => some.outcomes[outcome] ?? 0;
    const found = of(counts) - of(before.counts) + of(after.counts);
    if (found > 0) outcomes[outcome] = found;
  }
  return { records: counts.records - before.counts.records + after.counts.records, outcomes };
}
