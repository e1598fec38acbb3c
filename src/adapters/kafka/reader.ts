import { Fault } from '../../domain/fault.ts';
import type { LogReader } from '../../ports/event-log.ts';
import { type GroupPlace, joinGroup } from './group.ts';
import { type KafkaLane, kafkaLane } from './lane.ts';
import type { KafkaSettings } from './settings.ts';

const same = (a: ReadonlySet<number> | undefined, b: ReadonlySet<number>): boolean =>
  a !== undefined && a.size === b.size && [...a].every((partition) => b.has(partition));

/** Which topic is read, and in which group; null = alone. */
export type ReaderPlace = Omit<GroupPlace, 'group'> & { readonly group: string | null };

/**
 * A member of a consumer group: which partitions it holds comes from the group, records come from lanes. One that reads alone
 * holds all of them.
 */
export function kafkaReader(settings: KafkaSettings, place: ReaderPlace): LogReader {
  const { topic, group, partitions } = place;
  const lanes = new Map<number, KafkaLane>();
  let held: ReadonlySet<number> | undefined;
  let changed = Promise.withResolvers<void>();
  let closed = false;

  const revoked = (partition: number, reason: string): Fault =>
    new Fault('LANE_REVOKED', { topic, partition, group: group ?? undefined, reason });

  const endLane = (partition: number, reason: string): void => {
    lanes.get(partition)?.end(revoked(partition, reason));
    lanes.delete(partition);
  };

  const wake = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };

  const hold = (now: ReadonlySet<number>): void => {
    if (closed || same(held, now)) return;
    for (const partition of [...lanes.keys()])
      if (!now.has(partition)) endLane(partition, 'another reader holds it');
    held = now;
    wake();
  };
  const membership = group === null ? undefined : joinGroup(settings, { topic, group, partitions }, hold);
  if (group === null) hold(new Set(Array.from({ length: partitions }, (_, partition) => partition)));

  return {
    async *assignments(signal) {
      let told: ReadonlySet<number> | undefined;
      const stop = () => wake();
      signal.addEventListener('abort', stop);
      try {
        while (!signal.aborted && !closed) {
          if (held !== undefined && held !== told) {
            told = held;
            yield held;
          } else await changed.promise;
        }
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
    lane(partition, next) {
      endLane(partition, 'a newer lane was asked for');
      const lane = kafkaLane(settings, { topic, partition }, next);
      if (closed) lane.end(revoked(partition, 'the reader was closed'));
      else if (held?.has(partition)) lanes.set(partition, lane);
      else lane.end(revoked(partition, 'another reader holds it'));
      return lane;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const partition of [...lanes.keys()]) endLane(partition, 'the reader was closed');
      wake();
      await membership?.[Symbol.asyncDispose]();
    },
  };
}
