import type { NewRecord } from '../../ports/event-log.ts';
import { ByteReader } from './byte-reader.ts';
import { encodeRecordBatch } from './record-encoder.ts';

/** A request and how its answer is read, in the shape in which kafkajs's connections take it. */
export interface Exchange<Answer> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly body: Buffer;
  /** Throws `WireError` when the answer is no such answer. */
  readonly read: (answer: Buffer) => Answer;
}

export interface Fetched {
  /** How long the broker held this answer back, or asks to be left alone. */
  readonly throttleMs: number;
  readonly errorCode: number;
  /** The log's end that readers may see. */
  readonly highWatermark: number;
  /** Record batches, the last one perhaps cut off. */
  readonly records: Buffer;
}

/**
 * Fetch v4 of one partition: spoken by Kafka 0.11 to 4 and by Event Hubs. Reads uncommitted records too: the log has no
 * transactions, and an open one of a stranger must not stop a lane. The broker waits up to `waitMs` for a first record.
 */
export function fetchExchange(
  topic: string,
  partition: number,
  offset: number,
  { waitMs, bytesMax }: { readonly waitMs: number; readonly bytesMax: number },
): Exchange<Fetched> {
  const name = Buffer.from(topic, 'utf8');
  const body = Buffer.alloc(43 + name.length);
  let at = body.writeInt32BE(-1, 0);
  at = body.writeInt32BE(waitMs, at);
  at = body.writeInt32BE(1, at);
  at = body.writeInt32BE(bytesMax, at);
  at = body.writeInt8(0, at);
  at = body.writeInt32BE(1, at);
  at = body.writeInt16BE(name.length, at);
  at += name.copy(body, at);
  at = body.writeInt32BE(1, at);
  at = body.writeInt32BE(partition, at);
  at = body.writeBigInt64BE(BigInt(offset), at);
  body.writeInt32BE(bytesMax, at);
  return { apiKey: 1, apiVersion: 4, apiName: 'Fetch', body, read: readFetched };
}

function readFetched(answer: Buffer): Fetched {
  const reader = new ByteReader(answer);
  const throttleMs = reader.int32();
  openOnly(reader);
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  reader.skip(8);
  const aborted = reader.int32();
  reader.skip(16 * Math.max(0, aborted));
  return { throttleMs, errorCode, highWatermark, records: reader.slice(Math.max(0, reader.int32())) };
}

export interface Produced {
  readonly errorCode: number;
  readonly baseOffset: number;
  /** UTC milliseconds; −1 when the topic keeps the producers' times. */
  readonly logAppendTime: number;
}

/** Produce v3 of one batch to one partition, acknowledged by all in-sync replicas within `waitMs`. */
export function produceExchange(
  topic: string,
  partition: number,
  records: readonly NewRecord[],
  { waitMs, now }: { readonly waitMs: number; readonly now: number },
): Exchange<Produced> {
  const name = Buffer.from(topic, 'utf8');
  const batch = encodeRecordBatch(records, now);
  const head = Buffer.alloc(26 + name.length);
  let at = head.writeInt16BE(-1, 0);
  at = head.writeInt16BE(-1, at);
  at = head.writeInt32BE(waitMs, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt16BE(name.length, at);
  at += name.copy(head, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt32BE(partition, at);
  head.writeInt32BE(batch.length, at);
  const body = Buffer.concat([head, batch]);
  return { apiKey: 0, apiVersion: 3, apiName: 'Produce', body, read: readProduced };
}

function readProduced(answer: Buffer): Produced {
  const reader = new ByteReader(answer);
  openOnly(reader);
  return { errorCode: reader.int16(), baseOffset: reader.int64(), logAppendTime: reader.int64() };
}

/** Moves over the heads of the one topic and the one partition that were asked for. */
function openOnly(reader: ByteReader): void {
  reader.int32();
  reader.text();
  reader.int32();
  reader.int32();
}
