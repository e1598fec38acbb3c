import type { LogRecord } from '../../src/domain/event.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { encodeSegment } from '../../src/formats/segment.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { segmentName } from '../../src/streams/archive-names.ts';
import { type Epoch, openEpoch } from '../../src/streams/epochs.ts';
import { anEvent, recordOf } from './events.ts';
import { anEpoch } from './world.ts';

const urnOf = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.t${n % 17},PROD)`;

/** Events over seventeen entities, each in its partition, as one epoch's lanes hold them. */
export function lanesOf(epoch: number, partitions: number, count: number): LogRecord[][] {
  const lanes: LogRecord[][] = Array.from({ length: partitions }, () => []);
  for (let n = 0; n < count; n += 1) {
    const event = anEvent({ urn: urnOf(n), n: epoch * 100_000 + n });
    const lane = lanes[partitionOf(event.urn, partitions)]!;
    lane.push(recordOf(event, lane.length, epoch));
  }
  return lanes;
}

/** Puts lanes into an archive as segments of up to `perSegment` records. */
export async function archiveLanes(
  store: ArchiveStore,
  epoch: Epoch,
  lanes: readonly (readonly LogRecord[])[],
  perSegment = 40,
): Promise<void> {
  for (const [partition, records] of lanes.entries())
    for (let at = 0; at < records.length; at += perSegment) {
      const lane = { topic: epoch.name, epoch: epoch.epoch, partition };
      const part = records.slice(at, at + perSegment);
      await store.truth.create(segmentName(lane, part[0]!.offset), encodeSegment(lane, part));
    }
}

/** An archive of two epochs, of two and of three partitions. */
export async function twoEpochs(store: ArchiveStore): Promise<{
  readonly epochs: readonly Epoch[];
  readonly lanes: readonly (readonly (readonly LogRecord[])[])[];
}> {
  const lanes = [lanesOf(1, 2, 150), lanesOf(2, 3, 120)];
  const first = await openEpoch(store.truth, anEpoch(1, 2));
  await archiveLanes(store, first, lanes[0]!);
  const end = { epoch: 1, next: lanes[0]!.map(({ length }) => length), timeMax: 1_763_600_200_000 };
  const second = await openEpoch(store.truth, anEpoch(2, 3, end));
  await archiveLanes(store, second, lanes[1]!);
  return { epochs: [first, second], lanes };
}
