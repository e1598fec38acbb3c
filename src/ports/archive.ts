/**
 * A blob's name: segments of `[A-Za-z0-9._-]+` joined by `/`, at most 512 characters, no segment `.` or `..`.
 * No name is a folder of another one (`a` and `a/b`). Every call rejects with a RangeError for anything else.
 */
export type BlobName = string;

const blobNameMax = 512;
const blobName = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;
const dots = /(?:^|\/)\.\.?(?:\/|$)/;

/** Throws a RangeError for what is no blob name. */
export function checkBlobName(name: BlobName): void {
  if (name.length > blobNameMax || !blobName.test(name) || dots.test(name)) {
    throw new RangeError(`not a blob name: ${JSON.stringify(name.slice(0, blobNameMax))}`);
  }
}

/** Throws a RangeError for what is no prefix: the empty text, or a blob name and `/`. */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return;
  if (!prefix.endsWith('/')) throw new RangeError(`not a prefix: ${JSON.stringify(prefix)}`);
  checkBlobName(prefix.slice(0, -1));
}

export interface BlobFound {
  readonly name: BlobName;
  readonly bytes: number;
}

/**
 * The archive's truth: create-only, for ever, fit for a store under a retention lock. There is no way to
 * overwrite or delete. Every call rejects with `STORE_UNAVAILABLE` when the store cannot be reached or
 * answers something unknown: a create may then have happened, and the caller reads back.
 */
export interface TruthStore {
  /**
   * Creates the blob whole and durable, or leaves the one that is there untouched. Of two racing creates one
   * wins.
   */
  create(name: BlobName, bytes: Uint8Array): Promise<'created' | 'exists'>;
  /** The blob's bytes, or undefined. Never part of a blob. */
  read(name: BlobName): Promise<Buffer | undefined>;
  /**
   * Blobs below `prefix` (a whole path ending in `/`, or empty for all) in ascending byte order of whole
   * names, after `after` if given.
   */
  list(prefix: string, after?: BlobName): AsyncIterable<BlobFound>;
}

/** Names one content of a blob: equal only while nobody wrote. Opaque. */
export type ETag = string;

/**
 * What is derived or changes: tails, indexes, leaves, refusals. Conditional writes are the only fence between
 * processes: `changed` means another writer was first and nothing happened. Rejects with `STORE_UNAVAILABLE`
 * as above.
 */
export interface StateStore {
  read(name: BlobName): Promise<{ readonly bytes: Buffer; readonly etag: ETag } | undefined>;
  /** Writes the blob whole, if its present content is `etag` (null: if there is none). */
  write(name: BlobName, bytes: Uint8Array, etag: ETag | null): Promise<ETag | 'changed'>;
  /**
   * Appends `block` to an existing blob, if its present content is `etag`; readers see all of it or nothing.
   */
  append(name: BlobName, block: Uint8Array, etag: ETag): Promise<ETag | 'changed'>;
  /** Writes whatever was there before: only for what can be derived again. */
  replace(name: BlobName, bytes: Uint8Array): Promise<void>;
  /** Removes the blob; no error where there is none. */
  remove(name: BlobName): Promise<void>;
  list(prefix: string, after?: BlobName): AsyncIterable<BlobFound>;
}

/**
 * What one handle may do alone. A courtesy between processes, not a fence: who was stopped for long may hold it no more and
 * not know it, so whatever is done under it has to be right if two do it.
 */
export interface Lease extends AsyncDisposable {
  /** Keeps it; false where it is lost. To be asked at least every `leaseMs`. */
  renew(): Promise<boolean>;
}

/** Who does not renew a lease for so long may lose it. */
export const leaseMs = 60_000;

/** Two containers: `<prefix>-archive` (truth) and `<prefix>-state`. */
export interface ArchiveStore extends AsyncDisposable {
  readonly truth: TruthStore;
  readonly state: StateStore;
  /** The lease of this name, or undefined while another handle has it. It ends when it is let go, or after its process. */
  lease(name: BlobName): Promise<Lease | undefined>;
  /** For people: folder or account and container. No secrets. */
  readonly place: string;
}
