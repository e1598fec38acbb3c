import { Fault } from '../domain/fault.ts';
import { type KeyFilter, keyFilter, mayHold } from '../formats/key-filter.ts';
import type { SegmentFile, WholeHeader } from '../formats/segment.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import { readRecord } from '../projections/read-record.ts';
import type { LaneName } from './archive-names.ts';
import { segmentFirsts } from './chain.ts';
import type { EventDecoders } from './event-decoders.ts';

/** What readers may know of a segment without reading it. Derived: it follows from the segment and those before it. */
export interface SegmentIndex {
  readonly first: number;
  readonly next: number;
  readonly kind: 'data' | 'hole' | 'gap';
  /** Index in the lane's tree of its first leaf. */
  readonly leaf: number;
  /** Least and greatest append time in it, as the records tell them; null where there is none. */
  readonly times: { readonly min: number; readonly max: number } | null;
  /** Greatest append time in the lane before it; null at its start. */
  readonly timeMaxBefore: number | null;
  /** Aspects that its events change, sorted; '' is a whole entity. Null: more than are listed. */
  readonly aspects: readonly string[] | null;
  /** Records that are no events of this log. */
  readonly quarantined: number;
  /** Over the keys of all its records. */
  readonly keys: KeyFilter;
}

/** What an index starts from. */
export interface IndexStart {
  readonly leaf: number;
  readonly timeMax: number | null;
}

/** The last offset of an aspect of a URN in a segment; '' is a whole entity. */
export interface LastOffset {
  readonly urn: string;
  readonly aspect: string;
  readonly offset: number;
}

const aspectsMax = 1_000;
const recordsAtOnce = 1_000;

export const indexFolder = ({ topic, epoch, partition }: LaneName): string =>
  `index/${topic}/${epoch}/${partition}/`;
export const indexName = (lane: LaneName, first: number): string =>
  `${indexFolder(lane)}${String(first).padStart(20, '0')}.json`;

/** Text by which (URN, aspect) pairs are sorted, in UTF-16 code units; neither may hold the first one of them. */
export const pairOf = (urn: string, aspect: string): string => `${urn}\u0000${aspect}`;

/** Last offsets of a segment, by URN and then by aspect. */
export type LastOffsets = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Reads a segment once: its index, and the last offset of every (URN, aspect). */
export async function indexSegment(
  lane: LaneName & { readonly partitions: number },
  segment: SegmentFile<WholeHeader>,
  start: IndexStart,
  decoders: EventDecoders,
): Promise<{
  readonly index: SegmentIndex;
  readonly last: LastOffsets;
  readonly end: IndexStart;
}> {
  const { first, next, kind } = segment.header;
  const otherKeys = new Set<string>();
  const aspects = new Set<string>();
  const last = new Map<string, Map<string, number>>();
  let [min, max, quarantined] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];

  for await (const records of batches(segment, lane.epoch, decoders)) {
    for (const record of records) {
      min = Math.min(min, record.appendTime);
      max = Math.max(max, record.appendTime);
      const read = readRecord(record, lane, record.appendTime, decoders.decode, 'shared');
      if (read.kind === 'quarantined') {
        quarantined += 1;
        if (record.key !== null) otherKeys.add(record.key.toString('latin1'));
      } else {
        const { urn, aspect } = read.event;
        if (aspects.size <= aspectsMax) aspects.add(aspect ?? '');
        const ofUrn = last.get(urn);
        if (ofUrn === undefined) last.set(urn, new Map([[aspect ?? '', record.offset]]));
        else ofUrn.set(aspect ?? '', record.offset);
      }
    }
  }
  const times = kind === 'data' ? { min, max } : null;
  const keys = keysOf(last, otherKeys);
  const index: SegmentIndex = {
    ...{ first, next, kind, leaf: start.leaf, times, timeMaxBefore: start.timeMax, quarantined },
    aspects: aspects.size > aspectsMax ? null : [...aspects].sort(),
    keys: keyFilter(keys, keys.length),
  };
  const timeMax = times === null ? start.timeMax : Math.max(start.timeMax ?? times.max, times.max);
  return { index, last, end: { leaf: start.leaf + (kind === 'data' ? next - first : 1), timeMax } };
}

/** Keys of all records, once each: that of an event is its URN. */
function keysOf(last: LastOffsets, others: ReadonlySet<string>): Buffer[] {
  const keys = new Map<string, Buffer>();
  for (const key of others) keys.set(key, Buffer.from(key, 'latin1'));
  for (const urn of last.keys()) {
    const key = Buffer.from(urn);
    keys.set(key.toString('latin1'), key);
  }
  return [...keys.values()];
}

async function* batches(segment: SegmentFile<WholeHeader>, epoch: number, decoders: EventDecoders) {
  if (segment.header.kind !== 'data') return;
  let batch = [];
  for (const view of segment.views()) {
    batch.push(view);
    if (batch.length < recordsAtOnce) continue;
    await decoders.ensure(batch, epoch);
    yield batch;
    batch = [];
  }
  await decoders.ensure(batch, epoch);
  yield batch;
}

export async function writeIndex(
  { state }: ArchiveStore,
  lane: LaneName,
  { keys, ...index }: SegmentIndex,
): Promise<void> {
  const text = JSON.stringify({ v: 1, ...index, keys: keys.bytes.toString('base64') });
  await state.replace(indexName(lane, index.first), Buffer.from(`${text}\n`));
}

/** The index of a segment; undefined where it has none yet. */
export async function readIndex(
  { state }: ArchiveStore,
  lane: LaneName,
  first: number,
): Promise<SegmentIndex | undefined> {
  const blob = indexName(lane, first);
  const found = await state.read(blob);
  if (found === undefined) return undefined;
  try {
    const { v, keys, ...index } = JSON.parse(found.bytes.toString('utf8')) as Omit<SegmentIndex, 'keys'> & {
      readonly v: unknown;
      readonly keys: unknown;
    };
    if (v === 1 && typeof keys === 'string' && index.first === first)
      return { ...index, keys: { bytes: Buffer.from(keys, 'base64') } };
  } catch (error) {
    throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'not JSON' }, error);
  }
  throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'no index of this segment' });
}

/** What is looked for: all that is given has to hold. Times are append times as records tell them, both inclusive. */
export interface Wanted {
  readonly urn?: string;
  readonly aspect?: string;
  readonly timeMin?: number;
  readonly timeMax?: number;
}

/** Whether a segment may hold an event that is wanted. A deletion of the whole entity is one of each of its aspects. */
export function isWanted({ kind, keys, aspects, times }: SegmentIndex, wanted: Wanted): boolean {
  if (kind !== 'data' || times === null) return false;
  const { urn, aspect, timeMin = Number.NEGATIVE_INFINITY, timeMax = Number.POSITIVE_INFINITY } = wanted;
  if (times.max < timeMin || times.min > timeMax) return false;
  if (urn !== undefined && !mayHold(keys, Buffer.from(urn))) return false;
  return aspect === undefined || aspects === null || aspects.includes(aspect) || aspects.includes('');
}

/** First offsets of the segments that may hold what is wanted, ascending; one without an index may hold anything. */
export async function segmentsWith(store: ArchiveStore, lane: LaneName, wanted: Wanted): Promise<number[]> {
  const found: number[] = [];
  for (const first of await segmentFirsts(store.truth, lane)) {
    const index = await readIndex(store, lane, first);
    if (index === undefined || isWanted(index, wanted)) found.push(first);
  }
  return found;
}
