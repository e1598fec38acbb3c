import { fileURLToPath } from 'node:url';
import { encodeEvent } from '../../src/formats/event.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { type CaptureEvent, captureFile, capturePath, writeCapture } from './capture-writer.ts';
import { anEvent } from './events.ts';

// Writes samples/capture: what Event Hubs Capture is documented to leave of a hub with two partitions, made by hand. Stations
// of the weather service tell their tables, one of ten windows of partition 1 is lost, another is there twice, one held
// nothing.

const stations = 12;
const perWindow = 8;
const windows = 10;

const urnOf = (n: number): string =>
  `urn:li:dataset:(urn:li:dataPlatform:kafka,weather.station-${n % stations},PROD)`;

/** The events of both partitions, of so many that each has at least ten windows. */
function lanes(): CaptureEvent[][] {
  const all: CaptureEvent[][] = [[], []];
  for (let n = 0; all.some(({ length }) => length < windows * perWindow); n += 1) {
    const urn = urnOf(n);
    const value = { name: `station ${n % stations}`, description: `as of reading ${n}` };
    const event = anEvent({ ...{ urn, n, value, namespace: 'weather', recordedBy: 'hub:weather' } });
    const lane = all[partitionOf(urn, all.length)]!;
    const second = String(n % 60).padStart(2, '0');
    lane.push({
      ...{
        sequence: lane.length,
        time: `7/20/2026 9:${String(Math.floor(n / 60)).padStart(2, '0')}:${second} AM`,
      },
      ...{ system: { 'x-opt-kafka-key': Buffer.from(urn) }, properties: { station: BigInt(n % stations) } },
      body: encodeEvent(event),
    });
  }
  return all;
}

/** Every file of the sample below `dir`. */
export async function makeCapture(dir: string): Promise<void> {
  for (const [partition, events] of lanes().entries()) {
    const codec = partition === 0 ? 'null' : 'deflate';
    const file = (from: number): Buffer => captureFile(events.slice(from, from + perWindow), { codec });
    for (let window = 0; window < windows; window += 1) {
      const isLost = partition === 1 && window === 4;
      if (!isLost) await writeCapture(dir, capturePath(partition, window * 5), file(window * perWindow));
    }
    await writeCapture(dir, capturePath(partition, windows * 5), captureFile([], { codec }));
    if (partition === 1) await writeCapture(dir, capturePath(1, 1), file(0));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await makeCapture(fileURLToPath(new URL('../../samples/capture', import.meta.url)));
