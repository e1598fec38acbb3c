import { createHash, hash } from 'node:crypto';
import { Fault } from '../domain/fault.ts';

const bucketCount = 4_096;
const hashBytes = 32;
/** Of one document in a root: the hash of its key and its own. */
export const entryBytes = 2 * hashBytes;
const entriesPerChunk = 16_384;
/** Entries are hashed for a few milliseconds in a step. */
const entriesPerStep = 1_024;
/** Beyond this a document is hashed in pieces: copying it costs more than the slower call. */
const oneShotMax = 128 * 1024;
const versionWords = 2 ** 32;

const scratch = Buffer.allocUnsafeSlow(oneShotMax);

/**
 * SHA-256(u32be byte length of id ‖ id ‖ u64be version ‖ body), 32 bytes. `id` is the full key, never a
 * shortened one; `version` a whole number 0 … 2^53−1.
 */
export const docHash = (id: string, version: number, body: Uint8Array): Buffer =>
  Buffer.from(docHashText(id, version, body), 'latin1');

/** The same, a character a byte: each result that `hash` makes as a buffer of its own costs as much as the hash. */
function docHashText(id: string, version: number, body: Uint8Array): string {
  if (!Number.isSafeInteger(version) || version < 0) throw new RangeError(`${version} is no version`);
  if (!id.isWellFormed()) throw new RangeError('document id with a lone surrogate');
  // At most three bytes of UTF-8 stand for one UTF-16 unit.
  const fits = id.length * 3 + body.length + 12 <= oneShotMax;
  const head = fits ? scratch : Buffer.allocUnsafe(id.length * 3 + 12);
  const idBytes = head.write(id, 4, 'utf8');
  head.writeUInt32BE(idBytes, 0);
  head.writeUInt32BE(Math.floor(version / versionWords), 4 + idBytes);
  head.writeUInt32BE(version % versionWords, 8 + idBytes);
  const headBytes = 12 + idBytes;
  if (!fits) return createHash('sha256').update(head.subarray(0, headBytes)).update(body).digest('binary');
  scratch.set(body, headBytes);
  return hash('sha256', scratch.subarray(0, headBytes + body.length), 'binary');
}

/** Bucket of a document: the first 12 bits of the SHA-256 of its id, 0-4095. */
export const bucketOf = (id: string): number => firstTwelveBits(hash('sha256', id, 'buffer'), 0);

/** SHA-256 of a document's id, a character a byte: what orders and draws documents whatever they are called. */
export const keyHash = (id: string): string => hash('sha256', id, 'binary');

const firstTwelveBits = (bytes: Uint8Array, at: number): number => (bytes[at]! << 4) | (bytes[at + 1]! >> 4);

/** A document as the root sees it, both hashes as lower-case hex. */
export interface RootEntry {
  readonly keyHash: string;
  readonly docHash: string;
}

/** Documents gathered into a root. `add` and the readers may alternate; memory is 64 bytes a document. */
export interface RootBuilder {
  readonly size: number;
  /** Adds a document, in any order. Returns the SHA-256 of its id, a character a byte. */
  add(id: string, version: number, body: Uint8Array): string;
  /** All entries, 64 bytes each, in the order they came: what another builder takes up. */
  entries(): Buffer;
  /** Adds what `entries` of another builder gave. Throws a RangeError for bytes that are no entries. */
  addEntries(bytes: Uint8Array): void;
  /** Hash of one bucket, 32 bytes, kept until the next `add`. DUPLICATE_DOCUMENT when an id was added twice. */
  bucketHash(bucket: number): Buffer;
  /** The 4,096 bucket hashes in order. DUPLICATE_DOCUMENT when an id was added twice. */
  buckets(): Buffer[];
  /** The root as lower-case hex. DUPLICATE_DOCUMENT when an id was added twice. */
  root(): string;
  /**
   * What one bucket holds, sorted by key hash: two models that differ are compared key by key where buckets
   * do.
   */
  entriesOf(bucket: number): RootEntry[];
}

/**
 * The root of a read model or snapshot (docs/formats/root.md): entry = SHA-256(id) ‖ docHash; bucket hash =
 * SHA-256 over the bucket's entries sorted as unsigned bytes; root = SHA-256 over the 4,096 bucket hashes.
 * No key takes part: equal documents have equal roots everywhere.
 */
export function rootOf(): RootBuilder {
  const entries = entryStore();
  let hashes: Buffer[] = [];

  const builder: RootBuilder = {
    get size() {
      return entries.size;
    },
    add(id, version, body) {
      const key = keyHash(id);
      entries.add(key, docHashText(id, version, body));
      if (hashes.length > 0) hashes = [];
      return key;
    },
    entries: () => entries.all(),
    addEntries(bytes) {
      if (bytes.length % entryBytes !== 0)
        throw new RangeError(`${bytes.length} bytes are no entries of a root`);
      for (let at = 0; at < bytes.length; at += entryBytes)
        entries.addBytes(bytes.subarray(at, at + entryBytes));
      hashes = [];
    },
    bucketHash(bucket) {
      hashes[bucket] ??= hash('sha256', Buffer.concat(entries.sorted(bucket)), 'buffer');
      return hashes[bucket];
    },
    buckets: () => Array.from({ length: bucketCount }, (_, bucket) => builder.bucketHash(bucket)),
    root: () => hash('sha256', Buffer.concat(builder.buckets()), 'hex'),
    entriesOf: (bucket) =>
      entries.sorted(bucket).map((entry) => ({
        keyHash: entry.toString('hex', 0, hashBytes),
        docHash: entry.toString('hex', hashBytes),
      })),
  };
  return builder;
}

/**
 * Hashes all buckets, a few before each step: of a million documents it takes most of a second, and `root` and `buckets` then
 * give them at once.
 */
export function* hashBuckets(root: RootBuilder): Generator<undefined, void> {
  const perStep = bucketsPerStep(root);
  for (let bucket = 0; bucket < bucketCount; bucket += 1) {
    if (bucket % perStep === 0) yield;
    root.bucketHash(bucket);
  }
}

const bucketsPerStep = ({ size }: RootBuilder): number =>
  Math.max(1, Math.floor((bucketCount * entriesPerStep) / Math.max(1, size)));

/**
 * The root that `whole` would have without the documents of `gone` and with those of `come` in their place. Undefined where
 * `whole` does not hold each of `gone` as it stands there, or one of `come` beside it. In steps, as `hashBuckets`.
 */
export function* exchangedRoot(
  whole: RootBuilder,
  gone: RootBuilder,
  come: RootBuilder,
): Generator<undefined, string | undefined> {
  yield* hashBuckets(whole);
  const [hashes, perStep] = [whole.buckets(), bucketsPerStep(whole)];
  for (let bucket = 0; bucket < bucketCount; bucket += 1) {
    if (bucket % perStep === 0) yield;
    const [out, into] = [gone.entriesOf(bucket), come.entriesOf(bucket)];
    if (out.length === 0 && into.length === 0) continue;
    const held = new Map(whole.entriesOf(bucket).map((entry) => [entry.keyHash, entry.docHash]));
    for (const { keyHash, docHash } of out) {
      if (held.get(keyHash) !== docHash) return undefined;
      held.delete(keyHash);
    }
    for (const { keyHash, docHash } of into) {
      if (held.has(keyHash)) return undefined;
      held.set(keyHash, docHash);
    }
    const entries = [...held].map(([key, document]) => key + document).sort();
    hashes[bucket] = hash('sha256', Buffer.from(entries.join(''), 'hex'), 'buffer');
  }
  return hash('sha256', Buffer.concat(hashes), 'hex');
}

/** Entries of 64 bytes in chunks, as they came; grouped by bucket when asked, four bytes more an entry. */
function entryStore() {
  const chunks: Buffer[] = [];
  const counts = new Uint32Array(bucketCount);
  let size = 0;
  let grouped: { readonly numbers: Uint32Array; readonly starts: Uint32Array } | undefined;

  const entry = (number: number): Buffer => {
    const at = (number % entriesPerChunk) * entryBytes;
    return chunks[Math.floor(number / entriesPerChunk)]!.subarray(at, at + entryBytes);
  };

  function room(): { readonly chunk: Buffer; readonly at: number } {
    const at = (size % entriesPerChunk) * entryBytes;
    if (at === 0) chunks.push(Buffer.allocUnsafeSlow(entriesPerChunk * entryBytes));
    return { chunk: chunks.at(-1)!, at };
  }

  function added(chunk: Buffer, at: number): void {
    counts[firstTwelveBits(chunk, at)]! += 1;
    size += 1;
    grouped = undefined;
  }

  /** Entry numbers, bucket after bucket. */
  function groups() {
    if (grouped !== undefined) return grouped;
    const [starts, next, numbers] = [startsOf(counts), startsOf(counts), new Uint32Array(size)];
    for (let number = 0; number < size; number++) {
      const chunk = chunks[Math.floor(number / entriesPerChunk)]!;
      const bucket = firstTwelveBits(chunk, (number % entriesPerChunk) * entryBytes);
      numbers[next[bucket]!++] = number;
    }
    grouped = { numbers, starts };
    return grouped;
  }

  return {
    get size() {
      return size;
    },
    /** Both hashes, a character a byte. */
    add(key: string, document: string): void {
      const { chunk, at } = room();
      chunk.write(key, at, 'latin1');
      chunk.write(document, at + hashBytes, 'latin1');
      added(chunk, at);
    },
    addBytes(bytes: Uint8Array): void {
      const { chunk, at } = room();
      chunk.set(bytes, at);
      added(chunk, at);
    },
    all: (): Buffer => Buffer.concat(chunks, size * entryBytes),
    /** The entries of a bucket in the order of their bytes; DUPLICATE_DOCUMENT when two have one key. */
    sorted(bucket: number): Buffer[] {
      const { numbers, starts } = groups();
      const start = starts[bucket]!;
      const entries = Array.from(numbers.subarray(start, start + counts[bucket]!), entry);
      entries.sort(Buffer.compare);
      refuseTwins(entries, bucket);
      return entries;
    },
  };
}

/** Where each bucket's entries start when they stand bucket after bucket. */
function startsOf(counts: Uint32Array): Uint32Array {
  const starts = new Uint32Array(counts.length);
  for (let bucket = 1; bucket < counts.length; bucket++) {
    starts[bucket] = starts[bucket - 1]! + counts[bucket - 1]!;
  }
  return starts;
}

function refuseTwins(sorted: readonly Buffer[], bucket: number): void {
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i]!.compare(sorted[i - 1]!, 0, hashBytes, 0, hashBytes) === 0) {
      throw new Fault('DUPLICATE_DOCUMENT', { keyHash: sorted[i]!.toString('hex', 0, hashBytes), bucket });
    }
  }
}
