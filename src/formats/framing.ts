import type { Header } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';

const confluentBytes = 5;

/**
 * Confluent's framing of a Kafka value: byte 0, the registry's id as uint32 big-endian, then the payload.
 * It is for other people's tools; how we decode is said by the header `annal-schema` alone.
 */
export function frameConfluent(id: number, payload: Uint8Array): Buffer {
  if (!Number.isInteger(id) || id < 0 || id > 0xffff_ffff) throw new RangeError(`${id} is no registry id`);
  const framed = Buffer.allocUnsafe(confluentBytes + payload.length);
  framed[0] = 0;
  framed.writeUInt32BE(id, 1);
  framed.set(payload, confluentBytes);
  return framed;
}

/**
 * Where the event starts in a Kafka value: after Confluent's five bytes if the first is 0, else at once,
 * for an event never starts with 0 (its URN is not empty). AVRO_INVALID when the framing is cut short.
 */
export function payloadStart(value: Uint8Array): number {
  if (value[0] !== 0) return 0;
  if (value.length < confluentBytes) throw new Fault('AVRO_INVALID', { reason: 'framing cut short', at: 0 });
  return confluentBytes;
}

/** The event's bytes of a Kafka value, as a view. */
export const unframe = (value: Uint8Array): Uint8Array => value.subarray(payloadStart(value));

/** The registry id of a value in Confluent's framing; undefined for a bare one. */
export const confluentId = (value: Uint8Array): number | undefined =>
  payloadStart(value) === 0 ? undefined : Buffer.from(value.subarray(1, confluentBytes)).readUInt32BE();

const contentType = Buffer.from('content-type');
const azureType = 'avro/binary+';
const guid = /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i;

/** What names the schema in a record of ours, besides its other headers: bytes of the value, or of a header. */
export const framingBytes = {
  confluent: confluentBytes,
  azure: contentType.length + azureType.length + 36,
} as const;

/**
 * How clients of Azure Schema Registry name a schema: the header `content-type` with the value `avro/binary+<id>`, beside a
 * payload without any prefix (the Java and .NET serialisers for Kafka write the same).
 */
export const azureHeader = (id: string): Header => [contentType, Buffer.from(`${azureType}${id}`)];

/** The id in the only such header of a record, in lower case; undefined where there is none, several, or no id in it. */
export function azureId(headers: readonly Header[]): string | undefined {
  const named = headers.filter(([name]) => contentType.equals(name));
  const text = named.length === 1 ? Buffer.from(named[0]![1] ?? []).toString('latin1') : '';
  if (!text.startsWith(azureType)) return undefined;
  const id = text.slice(azureType.length);
  return guid.test(id) ? id.toLowerCase() : undefined;
}
