import { type Cut, formatCut } from '../domain/cut.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { restoredTopic } from '../domain/restored-topic.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { EpochTopic, LogBounds, LogHost } from '../ports/event-log.ts';
import type { Epoch } from './epochs.ts';
import { type LaneSpan, laneSpans } from './fold-history.ts';
import { type MissingOffsets, missingOffsets } from './missing-offsets.ts';
import { type AsOf, cutAskedFor, readingOf } from './rebuild-plan.ts';
import { leftBy, type RestoreAsked, readRestores, type StoredRestore } from './restore-job.ts';

export interface RestoreWorld {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  /** All epochs, oldest first; at least one. */
  readonly epochs: readonly Epoch[];
  /** Where the topic goes; undefined for a plan that asks no broker. */
  readonly host: LogHost | undefined;
}

/** What a run will do, told before anything changes. */
export interface RestorePlan {
  readonly topic: string;
  readonly k: number;
  readonly partitions: number;
  readonly asked: RestoreAsked;
  readonly until: Cut;
  readonly epochs: number;
  readonly events: number;
  readonly segments: number;
  /** Of the segments and tails to read, compressed as they lie. */
  readonly bytes: number;
  /** Offsets for which there is no event, as the archive says. */
  readonly missing: readonly MissingOffsets[];
  /** Epochs with another number of partitions: their events go by key. */
  readonly byKey: readonly number[];
  /** The run that was left and is gone on with. */
  readonly resumes: StoredRestore | null;
  /** Topics of this form that hold records and no run is on record for: passed over. */
  readonly passedOver: readonly string[];
}

export interface RestoreRequest {
  readonly asked: RestoreAsked;
  /** What `asked.asOf` means. */
  readonly asOf?: AsOf | undefined;
  /** A new topic, whatever was left. */
  readonly anew: boolean;
}

/**
 * The plan of a run. Rejects with `CUT_INVALID`, with `EPOCH_UNKNOWN`, with `RESTORE_EMPTY` where there is no event to
 * publish, and with `TOPIC_MISMATCH` where somebody made the next topic with another number of partitions.
 */
export async function planRestore(world: RestoreWorld, request: RestoreRequest): Promise<RestorePlan> {
  const { store, clock, epochs } = world;
  const { asked, anew } = request;
  const stored = await readRestores(store.state);
  const left = anew ? undefined : leftBy(stored, asked);
  const until = left?.job.until ?? (await cutAskedFor(world, request.asOf));
  const spans = spansOf(epochs, until, asked.epoch);
  const newest = spans.findLast(({ end }) => end > 0) ?? spans[0];
  const partitions = left?.job.partitions ?? asked.partitions ?? newest.epoch.partitions;
  const missing = within(spans, await missingOffsets(store, epochs, { clock, everyMs: 0 })());
  const events =
    spans.reduce((sum, { end }) => sum + end, 0) -
    missing.reduce((sum, range) => sum + range.next - range.first, 0);
  if (events === 0) throw new Fault('RESTORE_EMPTY', { archive: store.place, until: formatCut(until) });
  const { segments, bytes } = await readingOf(store, spans);
  const { name } = epochs[0]!;
  const next =
    left === undefined
      ? await nextTopic(world.host, name, (stored[0]?.job.k ?? 0) + 1, partitions)
      : { k: left.job.k, passedOver: [] };
  return {
    ...{ topic: restoredTopic(name, next.k), k: next.k, partitions, asked, until, segments, bytes },
    epochs: new Set(spans.map(({ epoch }) => epoch.epoch)).size,
    events,
    missing,
    byKey: [...new Set(spans.flatMap(({ epoch }) => (epoch.partitions === partitions ? [] : [epoch.epoch])))],
    resumes: left ?? null,
    passedOver: next.passedOver,
  };
}

/** The lanes of what is published, up to their ends. */
export function spansOf(
  epochs: readonly Epoch[],
  until: Cut,
  only: number | null,
): readonly [LaneSpan, ...LaneSpan[]] {
  const [first, ...more] = laneSpans({ epochs, until }).filter(
    ({ epoch }) => only === null || epoch.epoch === only,
  );
  if (first === undefined)
    throw new Fault('EPOCH_UNKNOWN', { epoch: only, archived: epochs.length, until: until.epoch });
  return [first, ...more];
}

/** Of what the archive has not, the part that lies before the ends. */
function within(spans: readonly LaneSpan[], all: readonly MissingOffsets[]): readonly MissingOffsets[] {
  return spans.flatMap(({ epoch, partition, end }) =>
    all
      .filter((range) => range.epoch === epoch.epoch && range.partition === partition && range.first < end)
      .map((range) => ({ ...range, next: Math.min(range.next, end) })),
  );
}

export const topicFor = ({ topic, partitions }: { topic: string; partitions: number }): EpochTopic => ({
  // No epoch has this number: no archive takes a segment of it.
  epoch: 0,
  topic,
  partitions,
});

const topicsMax = 1_000;

/** The first number from `k` on whose topic is not there or holds nothing. */
async function nextTopic(
  host: LogHost | undefined,
  name: string,
  from: number,
  partitions: number,
): Promise<{ readonly k: number; readonly passedOver: readonly string[] }> {
  const passedOver: string[] = [];
  for (let k = from; k < from + topicsMax; k += 1) {
    const topic = restoredTopic(name, k);
    const found = host === undefined ? undefined : await holds(host, topic);
    if (found === undefined) return { k, passedOver };
    const isEmpty = found.every(({ end }) => end === 0);
    if (isEmpty && found.length === partitions) return { k, passedOver };
    if (isEmpty) throw new Fault('TOPIC_MISMATCH', { topic, found: found.length, partitions });
    passedOver.push(topic);
  }
  throw new Fault('TOPIC_MISMATCH', { topic: restoredTopic(name, from), reason: 'too many hold records' });
}

/** Bounds of each partition; undefined where the topic is not there. */
async function holds(host: LogHost, topic: string): Promise<readonly LogBounds[] | undefined> {
  try {
    const partitions = await host.partitions(topic);
    await using log = await host.open(topicFor({ topic, partitions }));
    return await log.bounds();
  } catch (error) {
    if (isFault(error, 'TOPIC_MISSING')) return undefined;
    throw error;
  }
}
