import type { Position } from '../domain/position.ts';
import { AvroReader } from './avro-bytes.ts';

const uuidSize = 16;

/**
 * Where the facts of an event stand in its Avro bytes: what a document shows of it can be copied from there, and no string is
 * made. Starts and exclusive ends of UTF-8 texts, −1 = absent; `idAt` and `groupAt` are starts of 16 bytes. Of other bytes
 * than exactly one event it throws AVRO_INVALID.
 */
export class EventSpans {
  readonly bytes: Buffer;
  /** Of the enum: 0 UPSERT, 1 PATCH, 2 DELETE. */
  readonly change: number;
  /** Whether it names an aspect. */
  readonly ofAspect: boolean;
  readonly idAt: number;
  readonly namespaceAt: number;
  readonly namespaceEnd: number;
  readonly occurredAt: number;
  readonly expect: Position | null;
  readonly actorAt: number;
  readonly actorEnd: number;
  readonly recordedByAt: number;
  readonly recordedByEnd: number;
  readonly groupAt: number;
  readonly schemaAt: number;
  readonly schemaEnd: number;
  /** Whether it tells its source: then `readEvent` reads it. */
  readonly hasSource: boolean;
  readonly correlationAt: number;
  readonly correlationEnd: number;
  readonly causationAt: number;
  readonly causationEnd: number;
  readonly valueAt: number;
  readonly valueEnd: number;

  constructor(avro: Uint8Array) {
    const reader = new AvroReader(avro);
    this.bytes = reader.bytes;
    reader.take(reader.length());
    this.ofAspect = reader.present();
    if (this.ofAspect) reader.take(reader.length());
    this.change = reader.index(3);
    this.idAt = reader.take(uuidSize);
    this.namespaceAt = reader.take(reader.length());
    this.namespaceEnd = reader.at;
    reader.take(reader.length());
    this.occurredAt = reader.long();
    this.expect = reader.present()
      ? { epoch: reader.int(), partition: reader.int(), offset: reader.long() }
      : null;
    this.actorAt = reader.take(reader.length());
    this.actorEnd = reader.at;
    this.recordedByAt = reader.take(reader.length());
    this.recordedByEnd = reader.at;
    this.groupAt = reader.present() ? reader.take(uuidSize) : -1;
    this.schemaAt = textAt(reader);
    this.schemaEnd = reader.at;
    this.hasSource = reader.present();
    if (this.hasSource) skipSource(reader);
    this.correlationAt = textAt(reader);
    this.correlationEnd = reader.at;
    this.causationAt = textAt(reader);
    this.causationEnd = reader.at;
    this.valueAt = textAt(reader);
    this.valueEnd = reader.at;
    reader.finish();
  }

  /** A view of the value; null for a DELETE. */
  get value(): Buffer | null {
    return this.valueAt < 0 ? null : this.bytes.subarray(this.valueAt, this.valueEnd);
  }
}

const textAt = (reader: AvroReader): number => (reader.present() ? reader.take(reader.length()) : -1);

/** Plugin, version, run, and a map of texts. */
function skipSource(reader: AvroReader): void {
  for (let text = 0; text < 3; text++) reader.take(reader.length());
  for (let { count } = reader.blockCount(); count > 0; { count } = reader.blockCount())
    for (let text = 0; text < 2 * count; text++) reader.take(reader.length());
}
