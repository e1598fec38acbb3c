import { hashBuckets, type RootBuilder, rootOf } from '../formats/root.ts';
import { searchDigest } from '../formats/search-digest.ts';
import type { ModelIndex, Unsearchable } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { fewAtATime, inSteps } from './few-at-a-time.ts';
import { type SearchProof, searchProver } from './prove-searchable.ts';

export interface ReadBack {
  readonly root: RootBuilder;
  /** That a search finds what was read. */
  readonly search: SearchProof;
  /** The first ones that are stored as such that no search finds, by their code. */
  readonly unindexable: readonly Unsearchable[];
}

const unindexableMax = 10;

export interface ReadBackOptions {
  /** Gets the number of documents read so far. */
  readonly onRead: (documents: number) => void;
  readonly signal: AbortSignal;
  /** Digest of what searches should find, as the fold gave it with the documents. */
  readonly asFolded: string | undefined;
  /** Called between a few documents and the next: whoever else lives in the process is heard then. */
  readonly rest: () => Promise<void>;
}

/**
 * Reads one state of an index: its root, and whether a search finds what is in it. Where the engine holds, as a whole, the
 * search values that the fold gave, it is read once, and those of drawn documents alone are computed again from their
 * bodies. Else it is read again and all are: that names those which differ.
 */
export async function readBack(
  index: ModelIndex,
  projection: Projection,
  { onRead, signal, asFolded, rest }: ReadBackOptions,
): Promise<ReadBack> {
  await using snapshot = await index.snapshot();
  const root = rootOf();
  const held = searchDigest();
  const unindexable: Unsearchable[] = [];
  const prover = searchProver(projection, snapshot, { asFolded: asFolded !== undefined });
  let isTold = true;
  for await (const documents of fewAtATime(snapshot.scan(), rest)) {
    signal.throwIfAborted();
    const keys: string[] = [];
    for (const { id, version, body, searchText, unindexable: code } of documents) {
      keys.push(root.add(id, version, body));
      if (code !== null && unindexable.length < unindexableMax) unindexable.push({ id, reason: code });
      if (searchText === undefined) isTold = false;
      else held.add(id, searchText);
    }
    prover.see(documents, keys);
    onRead(root.size);
  }
  // An engine that keeps no texts had all its documents computed again.
  if (asFolded === undefined || !isTold || held.hex() === asFolded) {
    // The root is asked for next: it is hashed while the engine searches.
    const [search] = await Promise.all([prover.end(), inSteps(hashBuckets(root), rest)]);
    return { root, search, unindexable };
  }
  const naming = searchProver(projection, snapshot);
  for await (const documents of fewAtATime(snapshot.scan(), rest)) {
    signal.throwIfAborted();
    naming.see(documents);
  }
  return { root, search: await naming.end(), unindexable };
}
