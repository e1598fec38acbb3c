import { type AvroReader, AvroWriter, inKeyOrder } from './avro-bytes.ts';

const magic = Buffer.from('Obj\x01', 'latin1');
const syncBytes = 16;
const entriesMax = 64;

/** Header of an Avro object container file: metadata as text, then the sync marker that ends each block. */
export interface ContainerHeader {
  readonly meta: ReadonlyMap<string, string>;
  readonly sync: Buffer;
}

/** The header's bytes in the one spelling: one map block, keys in UTF-8 byte order. */
export function encodeContainerHeader({ meta, sync }: ContainerHeader): Buffer {
  const writer = new AvroWriter();
  writer.fixed(magic);
  writer.long(meta.size);
  for (const [key, value] of inKeyOrder(meta)) {
    writer.string(key);
    writer.string(value);
  }
  writer.long(0);
  writer.fixed(sync);
  return writer.copy();
}

/**
 * Reads a container header; AVRO_INVALID for anything else, for values that are not UTF-8 and over 64
 * entries.
 */
export function readContainerHeader(reader: AvroReader): ContainerHeader {
  const start = reader.take(magic.length);
  if (reader.bytes.compare(magic, 0, magic.length, start, start + magic.length) !== 0) {
    throw reader.invalid('not an Avro object container', start);
  }
  const meta = new Map<string, string>();
  for (;;) {
    const { count, end } = reader.blockCount();
    if (count === 0) break;
    for (let i = 0; i < count; i++) {
      const at = reader.at;
      const key = reader.string();
      if (meta.has(key)) throw reader.invalid('metadata key given twice', at);
      if (meta.size === entriesMax) throw reader.invalid('more metadata than a header holds', at);
      meta.set(key, reader.string());
    }
    if (end !== undefined && reader.at !== end) throw reader.invalid('block size does not match its items');
  }
  const at = reader.take(syncBytes);
  return { meta, sync: reader.bytes.subarray(at, at + syncBytes) };
}
