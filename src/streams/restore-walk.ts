import type { Position } from '../domain/position.ts';
import { murmur2 } from '../formats/partition.ts';
import type { RecordView } from '../formats/record-view.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { LaneSpan } from './fold-history.ts';
import { historyLane } from './history-lane.ts';

/** An archived record on its way into a partition of another topic. */
export interface Placed {
  readonly partition: number;
  readonly position: Position;
  readonly view: RecordView;
}

export interface WalkOptions {
  readonly store: ArchiveStore;
  /** Oldest epoch first. */
  readonly spans: readonly LaneSpan[];
  /** Of the topic. */
  readonly partitions: number;
  /** Takes one record; for one partition called one after the other, in order. */
  readonly take: (placed: Placed) => Promise<void> | undefined;
  readonly signal: AbortSignal;
}

/** Each lane has up to two segments in memory. */
const lanesAtOnce = 2;

/**
 * Goes through a history in the order in which a restored topic holds it: epoch by epoch; within one, each lane by offset into
 * the partition of its number where the topic has as many, else lane after lane by key. The same for the same spans.
 * Rejects with the faults of the archive and of `take`, once nothing is under way any more.
 */
export async function walkHistory(options: WalkOptions): Promise<void> {
  const { spans, partitions } = options;
  for (const lanes of Map.groupBy(spans, ({ epoch }) => epoch.epoch).values()) {
    if (lanes[0]!.epoch.partitions === partitions) await laneByLane(options, lanes);
    else for (const lane of lanes) await walkLane(options, lane, (view) => byKey(view, partitions), never);
  }
}

const never = (): boolean => false;

/** Kafka's partition of a key; a record without one keeps its partition, as far as there are as many. */
const byKey = ({ key }: RecordView, partitions: number): number | undefined =>
  key === null ? undefined : (murmur2(key) & 0x7fff_ffff) % partitions;

/** Some lanes at once, each into a partition of its own. */
async function laneByLane(options: WalkOptions, lanes: readonly LaneSpan[]): Promise<void> {
  const waiting = [...lanes];
  let failed: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (let lane = waiting.shift(); lane !== undefined && failed === undefined; lane = waiting.shift()) {
      try {
        await walkLane(
          options,
          lane,
          () => lane?.partition,
          () => failed !== undefined,
        );
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: lanesAtOnce }, work));
  if (failed !== undefined) throw failed.error;
}

async function walkLane(
  { store, partitions, take, signal }: WalkOptions,
  { epoch, partition: from, end }: LaneSpan,
  into: (view: RecordView) => number | undefined,
  isOver: () => boolean,
): Promise<void> {
  if (end === 0) return;
  const lane = { topic: epoch.name, epoch: epoch.epoch, partition: from };
  for await (const { records } of historyLane(store, lane, 0, end)) {
    signal.throwIfAborted();
    if (isOver()) return;
    for (const view of records) {
      const position = { epoch: epoch.epoch, partition: from, offset: view.offset };
      const taken = take({ partition: into(view) ?? from % partitions, position, view });
      if (taken !== undefined) await taken;
    }
  }
}
