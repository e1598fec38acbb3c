import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../../src/domain/event.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { rootOf } from '../../src/formats/root.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { projections } from '../../src/projections/registry.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { type Epoch, openEpoch } from '../../src/streams/epochs.ts';
import { startProjector } from '../../src/streams/projector.ts';
import { rebuild } from '../../src/streams/rebuild.ts';
import { planRebuild } from '../../src/streams/rebuild-plan.ts';
import { anEvent, recordOf } from '../given/events.ts';
import { anEpoch, openWorld, type World } from '../given/world.ts';

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n},PROD)`;
const urnsOf = ({ partitions }: Epoch, partition: number): string[] =>
  Array.from({ length: 12 }, (_, n) => urn(n)).filter((name) => partitionOf(name, partitions) === partition);

function recordsOf(epoch: Epoch, partition: number): LogRecord[] {
  const urns = urnsOf(epoch, partition);
  return Array.from({ length: 40 }, (_, offset): LogRecord => {
    const n = epoch.epoch * 10_000 + partition * 1_000 + offset;
    return recordOf(anEvent({ n, urn: urns[offset % urns.length]! }), offset, epoch.epoch);
  });
}

/** A machine may be busy. */
const patient = { timeout: 20_000 };

/** Puts changes of all tables into the archive of an epoch; answers where its lanes end. */
async function archived({ store }: World, epoch: Epoch): Promise<number[]> {
  const ends: number[] = [];
  for (let partition = 0; partition < epoch.partitions; partition += 1) {
    const records = recordsOf(epoch, partition);
    const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
    await store.truth.create(segmentName(lane, 0), encodeSegment(lane, records));
    ends.push(records.length);
  }
  return ends;
}

describe.each(
  projections.map((projection) => [projection.definition.projection, projection] as const),
)('%s', (name, projection) => {
  test('an epoch is entered once all lanes of the one before have ended, however many they are', async () => {
    await using world = await openWorld(2);
    const { model, store, host } = world;
    const second = anEpoch(2, 1, { epoch: 1, next: await archived(world, world.epoch), timeMax: 0 });
    const third = anEpoch(3, 1, { epoch: 2, next: await archived(world, second), timeMax: 0 });
    for (const epoch of [second, third]) await openEpoch(store.truth, epoch);
    await host.create(third);
    await using log = await host.open(third);
    const context = { ...world.context, epochs: [world.epoch, second, third] };
    const index = await model.create(projection.definition, 'live');
    await model.swap(name, null, index.name);
    const projector = startProjector({
      ...{ ...context, projection, log, group: 'projector', lateMs: 0, lookMs: 20, retryMs: 20 },
      ...{ build: () => Promise.reject(new Error('one serves')), onNotice: () => undefined },
    });
    await expect
      .poll(() => projector.status().lanes.map(({ epoch, next }) => `${epoch}: ${next}`), patient)
      .toEqual(['1: 40', '1: 40', '2: 40']);
    await projector.stop();
    const live = rootOf();
    for await (const documents of index.scan())
      for (const { id, version, body } of documents) live.add(id, version, body);
    const plan = await planRebuild(context, projection);
    const { signal } = new AbortController();
    const report = await rebuild(context, projection, plan, crypto.randomUUID(), () => undefined, signal);
    expect(live.root()).toBe(report.root);
  });

  /** Puts changes of all tables into the log of an epoch. */
  async function appended(log: EventLog, epoch: Epoch, ends: readonly number[]): Promise<void> {
    for (const [partition, end] of ends.entries())
      await log.append(partition, recordsOf(epoch, partition).slice(0, end));
  }

  test('a process that is behind is no other log: one that knows the next epoch, and one that does not yet', async () => {
    for (const knows of [true, false]) {
      await using world = await openWorld(2);
      const { model, store, host, log: first } = world;
      const ends = await archived(world, world.epoch);
      await appended(first, world.epoch, ends);
      const second = anEpoch(2, 3, { epoch: 1, next: ends, timeMax: 0 });
      await openEpoch(store.truth, second);
      await host.create(second);
      await using log = await host.open(second);
      await appended(log, second, [40, 40, 40]);
      const index = await model.create(projection.definition, 'live');
      await model.swap(name, null, index.name);
      const [blocked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const faults: unknown[] = [];
      const common = {
        ...{ ...world.context, projection, group: 'projector', lateMs: 0, lookMs: 20, retryMs: 20 },
        build: () => Promise.reject(new Error('one serves')),
        onNotice: (notice: { kind: string }) => {
          if (notice.kind === 'fault') faults.push(notice);
        },
      };
      const slow = startProjector({
        ...common,
        ...(knows ? { epochs: [world.epoch, second], log } : { epochs: [world.epoch], log: first }),
        probe: async (point) => {
          if (point !== 'before-store') return;
          blocked.resolve();
          await goOn.promise;
        },
      });
      await blocked.promise;
      const fast = startProjector({ ...common, epochs: [world.epoch, second], log });
      await fast.reach([40, 40, 40], AbortSignal.timeout(10_000));
      goOn.resolve();
      await expect
        .poll(() => slow.status().lanes.flatMap(({ epoch, next }) => (epoch === 1 ? [next] : [])), patient)
        .toEqual(ends);
      await slow.stop();
      // One that starts now finds the index in an epoch that it does not know.
      if (!knows) {
        const late = startProjector({ ...common, epochs: [world.epoch], log: first });
        await expect.poll(() => late.status().state, patient).toBe('waiting');
        await late.stop();
      }
      await fast.stop();
      expect(faults).toEqual([]);
    }
  });
});
