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
