import { type RootBuilder, rootOf } from '../formats/root.ts';
import type { ModelIndex } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { type SearchProof, searchProver } from './prove-searchable.ts';

export interface ReadBack {
  readonly root: RootBuilder;
  /** That a search finds what was read. */
  readonly search: SearchProof;
}

/** Reads one state of an index once: its root, and whether a search finds what is in it. `onRead` gets their number so far. */
export async function readBack(
  index: ModelIndex,
  projection: Projection,
  onRead: (documents: number) => void,
  signal: AbortSignal,
): Promise<ReadBack> {
  await using snapshot = await index.snapshot();
  const prover = searchProver(projection, snapshot);
  const root = rootOf();
  for await (const documents of snapshot.scan()) {
    signal.throwIfAborted();
    for (const { id, version, body } of documents) root.add(id, version, body);
    prover.see(documents);
    onRead(root.size);
  }
  return { root, search: await prover.end() };
}
