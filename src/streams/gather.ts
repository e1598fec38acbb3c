import {
  type BucketPlace,
  type Buckets,
  type BucketWriter,
  bucketsMax,
  bucketWriter,
  putsIn,
} from './buckets.ts';
import type { History, LaneSpan } from './fold-history.ts';
import { historyLane } from './history-lane.ts';
import { addRecord, emptyWindow, type RecordWindow, recordCopies } from './record-window.ts';

/** So many buckets that one is about half a window: a power of two. */
export const countFor = (bytes: number, windowBytes: number): number =>
  Math.min(bucketsMax, Math.max(2, 2 ** Math.ceil(Math.log2((2 * bytes) / windowBytes))));

/** They are taken in at once: few are alive when the collector comes by. */
const recordsPerSlice = 500;

/** A chain of lanes that was read: in one window, or in buckets and where they are. */
export type Gathered =
  | { readonly window: RecordWindow; readonly buckets?: never; readonly times: readonly number[] }
  | {
      readonly window?: never;
      readonly buckets: Buckets;
      readonly within: BucketPlace;
      readonly times: readonly number[];
    };

/**
 * Reads a chain of lanes once: into one window, or, once that is full, into buckets. Several processes that try at once put
 * their buckets below different `attempt`s; the first that is through is taken by all.
 */
export async function gather(
  { store, decoders, clock, only }: History,
  chain: readonly LaneSpan[],
  place: BucketPlace,
  windowBytes: number,
  attempt = '',
): Promise<Gathered> {
  const known = await readShared(place);
  if (known !== undefined) return known;
  const own = { state: place.state, prefix: `${place.prefix}${attempt}` };
  const offsets = chain.reduce((sum, { end }) => sum + end, 0);
  const times: number[] = [];
  const copied = recordCopies();
  let read = 0;
  let window = emptyWindow();
  let writer: BucketWriter | undefined;
  for (const [at, { epoch, partition, end, timeFloor }] of chain.entries()) {
    const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
    let time = timeFloor;
    for await (const slice of historyLane(store, lane, 0, end, recordsPerSlice)) {
      await decoders.ensure(slice.records, epoch.epoch);
      for (const record of slice.records) {
        time = Math.max(time, record.appendTime);
        if (only?.(record) === false) continue;
        if (writer !== undefined) writer.add({ record, lane: at, time });
        else addRecord(window, only === undefined ? record : copied(record), at, time);
      }
      read += slice.records.length;
      if (writer === undefined && window.bytes > windowBytes) {
        const share = offsets / read;
        writer = bucketWriter(own, countFor(window.bytes * share, windowBytes), 0);
        for (const put of putsIn(window)) writer.add(put);
        window = emptyWindow();
      }
      await writer?.drain();
      await clock?.wait(0);
    }
    times.push(time);
  }
  if (writer === undefined) return { window, times };
  const shared: Shared = { buckets: await writer.end(), attempt, times };
  const written = await place.state.write(sharedName(place), Buffer.from(JSON.stringify(shared)), null);
  return (written === 'changed' ? await readShared(place) : undefined) ?? gatheredAt(place, shared);
}

/** Says that a chain is shared out whole, and by which attempt. */
interface Shared {
  readonly buckets: Buckets;
  readonly attempt?: string;
  readonly times: readonly number[];
}

const sharedName = ({ prefix }: BucketPlace): string => `${prefix}shared.json`;

const gatheredAt = ({ state, prefix }: BucketPlace, { buckets, attempt = '', times }: Shared): Gathered => ({
  ...{ buckets, times },
  within: { state, prefix: `${prefix}${attempt}` },
});

async function readShared(place: BucketPlace): Promise<Gathered | undefined> {
  const found = await place.state.read(sharedName(place));
  if (found === undefined) return undefined;
  return gatheredAt(place, JSON.parse(found.bytes.toString('utf8')) as Shared);
}
