import { createHash } from 'node:crypto';

/** A document of a read model, as anyone reads it there. */
export interface PlainDocument {
  readonly id: string;
  readonly version: number;
  readonly body: Buffer;
}

const sha256 = (...parts: readonly (string | Buffer)[]): Buffer => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
};

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** The root of docs/formats/root.md, computed from its text alone. Throws where an id comes twice. */
export function plainRoot(documents: readonly PlainDocument[]): string {
  const buckets: string[][] = Array.from({ length: 4_096 }, () => []);
  for (const { id, version, body } of documents) {
    const key = sha256(id);
    const document = sha256(u32(Buffer.byteLength(id)), id, u64(version), body);
    buckets[key.readUInt16BE() >> 4]!.push(key.toString('hex') + document.toString('hex'));
  }
  const hashes = buckets.map((entries) => {
    entries.sort();
    for (const [at, entry] of entries.entries())
      if (at > 0 && entry.slice(0, 64) === entries[at - 1]!.slice(0, 64))
        throw new Error('two documents have one id');
    return sha256(Buffer.from(entries.join(''), 'hex'));
  });
  return sha256(...hashes).toString('hex');
}
