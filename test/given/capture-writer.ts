import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';

// Writes files as Event Hubs Capture is documented to write them; shares nothing with the code that reads them.

/** The schema as the documentation of Capture gives it. */
const values = ['long', 'double', 'string', 'bytes'];
export const captureSchema = JSON.stringify({
  type: 'record',
  name: 'EventData',
  namespace: 'Microsoft.ServiceBus.Messaging',
  fields: [
    { name: 'SequenceNumber', type: 'long' },
    { name: 'Offset', type: 'string' },
    { name: 'EnqueuedTimeUtc', type: 'string' },
    { name: 'SystemProperties', type: { type: 'map', values } },
    { name: 'Properties', type: { type: 'map', values } },
    { name: 'Body', type: ['null', 'bytes'] },
  ],
});

/** bigint is a long. */
export type CaptureValue = bigint | number | string | Uint8Array;

export interface CaptureEvent {
  readonly sequence: number;
  readonly time?: string;
  readonly system?: Readonly<Record<string, CaptureValue>>;
  readonly properties?: Readonly<Record<string, CaptureValue>>;
  readonly body: Uint8Array | null;
}

function long(value: number | bigint): Buffer {
  let bits = BigInt.asUintN(64, BigInt(value) < 0n ? ~(BigInt(value) << 1n) : BigInt(value) << 1n);
  const out: number[] = [];
  for (; bits > 127n; bits >>= 7n) out.push(Number(bits & 127n) | 128);
  out.push(Number(bits));
  return Buffer.from(out);
}
const bytes = (value: Uint8Array): Buffer => Buffer.concat([long(value.length), value]);
const text = (value: string): Buffer => bytes(Buffer.from(value));

function union(value: CaptureValue): Buffer {
  if (typeof value === 'bigint') return Buffer.concat([long(0), long(value)]);
  if (typeof value === 'string') return Buffer.concat([long(2), text(value)]);
  if (typeof value !== 'number') return Buffer.concat([long(3), bytes(value)]);
  const double = Buffer.alloc(8);
  double.writeDoubleLE(value);
  return Buffer.concat([long(1), double]);
}

function map(entries: readonly (readonly [string, Buffer])[]): Buffer {
  const items = entries.map(([name, value]) => Buffer.concat([text(name), value]));
  return Buffer.concat([...(items.length === 0 ? [] : [long(items.length), ...items]), long(0)]);
}
const properties = (given: Readonly<Record<string, CaptureValue>> = {}): Buffer =>
  map(Object.entries(given).map(([name, value]) => [name, union(value)]));

const record = ({
  sequence,
  time = '7/20/2026 9:33:43 PM',
  system,
  properties: own,
  body,
}: CaptureEvent): Buffer =>
  Buffer.concat([
    ...[long(sequence), text(String(sequence * 288)), text(time), properties(system), properties(own)],
    ...(body === null ? [long(0)] : [long(1), bytes(body)]),
  ]);

export interface CaptureFileOptions {
  readonly codec?: 'null' | 'deflate';
  readonly perBlock?: number;
  readonly schema?: string;
}

/** The bytes of one file; without events it is a header, as Capture writes for a window in which none came. */
export function captureFile(
  events: readonly CaptureEvent[],
  { codec = 'null', perBlock = 10, schema = captureSchema }: CaptureFileOptions = {},
): Buffer {
  const sync = Buffer.from('0123456789abcdef');
  const meta = map([
    ['avro.codec', text(codec)],
    ['avro.schema', text(schema)],
  ]);
  const parts = [Buffer.from('Obj\x01', 'latin1'), meta, sync];
  for (let at = 0; at < events.length; at += perBlock) {
    const block = events.slice(at, at + perBlock);
    const plain = Buffer.concat(block.map(record));
    const stored = codec === 'deflate' ? deflateRawSync(plain) : plain;
    parts.push(long(block.length), long(stored.length), stored, sync);
  }
  return Buffer.concat(parts);
}

/** `{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}.avro`, the n-th minute of a day. */
export const capturePath = (partition: number, n: number, hub = 'metadata'): string => {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `hubs/${hub}/${partition}/2026/07/20/${two(Math.floor(n / 60))}/${two(n % 60)}/00.avro`;
};

export async function writeCapture(dir: string, path: string, file: Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), file);
}
