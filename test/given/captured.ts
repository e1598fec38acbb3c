import type { LogRecord } from '../../src/domain/event.ts';
import { encodeEvent, eventSchemaSha256 } from '../../src/formats/event.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import {
  type CaptureEvent,
  type CaptureFileOptions,
  captureFile,
  capturePath,
  writeCapture,
} from './capture-writer.ts';
import { anEvent } from './events.ts';

export const captureMs = Date.UTC(2026, 6, 20, 21, 33, 43);

/** Events over seventeen entities as Capture has them, by partition; `ours`: with the headers of an intake. */
export function capturedLanes(count: number, partitions = 2, ours = true): CaptureEvent[][] {
  const lanes: CaptureEvent[][] = Array.from({ length: partitions }, () => []);
  for (let n = 0; n < count; n += 1) {
    const event = anEvent({ urn: `urn:li:dataset:(urn:li:dataPlatform:hive,shop.t${n % 17},PROD)`, n });
    const lane = lanes[partitionOf(event.urn, partitions)]!;
    const headers = { 'annal-epoch': Buffer.from('1'), 'annal-schema': Buffer.from(eventSchemaSha256) };
    lane.push({
      ...{ sequence: lane.length, system: { 'x-opt-kafka-key': Buffer.from(event.urn) } },
      ...{ properties: ours ? headers : {}, body: encodeEvent(event) },
    });
  }
  return lanes;
}

/** Files of so many events each, one minute after the other. */
export async function writeLanes(
  dir: string,
  lanes: readonly (readonly CaptureEvent[])[],
  { perFile = 40, ...options }: CaptureFileOptions & { readonly perFile?: number } = {},
): Promise<void> {
  for (const [partition, events] of lanes.entries())
    for (let at = 0; at < Math.max(1, events.length); at += perFile) {
      const file = captureFile(events.slice(at, at + perFile), options);
      await writeCapture(dir, capturePath(partition, at / perFile), file);
    }
}

/** The record that such an event is archived as. */
export const archivedAs = ({ sequence, system, properties = {}, body }: CaptureEvent): LogRecord => ({
  ...{ offset: sequence, appendTime: captureMs },
  key: (system?.['x-opt-kafka-key'] as Buffer | undefined) ?? null,
  value: body,
  headers: Object.entries(properties).map(([name, value]) => [Buffer.from(name), value as Buffer]),
});
