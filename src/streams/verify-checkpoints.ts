import { isFault } from '../domain/fault.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import type { NoteVerifier } from '../formats/note-key.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { Findings, Found } from './archive-finding.ts';
import { checkpointName, checkpointsOf, newestCheckpointName, type TreeName } from './tree-names.ts';
import { readCheckpoint } from './tree-signing.ts';

/** A checkpoint that a key which counts has signed. `blob` names it: in the archive, or the file it was kept in. */
export interface SignedHead {
  readonly size: number;
  readonly root: Buffer;
  readonly blob: string;
}

export interface TreePlace {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly tree: TreeName;
  /** Keys that count. */
  readonly verifiers: readonly NoteVerifier[];
  /** Checkpoints that were kept outside of the archive, of any tree. */
  readonly kept: readonly (Checkpoint & { readonly blob: string })[];
  readonly findings: Findings;
  /** Tiles of leaf hashes that are kept in memory for the records; of the others only the root is. */
  readonly tilesKept: number;
  /** Where findings say they belong. */
  readonly lane: { readonly epoch: number; readonly partition: number } | undefined;
}

const readsAtOnce = 16;
const raiseMs = 500;
const looksMax = 4;

/** Every checkpoint of a tree above `from` leaves, ascending by size; what is wrong with one is found. */
export async function signedHeads(place: TreePlace, from: number): Promise<readonly SignedHead[]> {
  const { store, tree, kept } = place;
  const prefix = checkpointsOf(tree);
  const heads: SignedHead[] = kept
    .filter(({ origin, size }) => origin === tree.origin && size > from)
    .map(({ size, root, blob }) => ({ size, root, blob }));
  const names: { readonly name: string; readonly size: number }[] = [];
  for await (const { name } of store.truth.list(prefix)) {
    const digits = /^[0-9]{20}$/.exec(name.slice(prefix.length))?.[0];
    if (digits === undefined)
      place.findings.add({ ...at(place, name), wrong: 'extra', reason: 'not a name of a checkpoint' });
    else if (Number(digits) > from) names.push({ name, size: Number(digits) });
  }
  for (let start = 0; start < names.length; start += readsAtOnce) {
    const some = names.slice(start, start + readsAtOnce);
    const read = await Promise.all(some.map(({ name, size }) => readHead(place, name, size)));
    heads.push(...read.filter((head) => head !== undefined));
  }
  return heads.toSorted((a, b) => a.size - b.size);
}

const at = ({ lane }: TreePlace, blob: string): Pick<Found, 'part' | 'of' | 'blob'> & Partial<Found> => ({
  ...{ part: 'checkpoint', of: 'truth', blob },
  ...lane,
});

async function readHead(place: TreePlace, blob: string, size: number): Promise<SignedHead | undefined> {
  const { store, tree, verifiers, findings } = place;
  const bytes = await store.truth.read(blob);
  const refuse = (wrong: Found['wrong'], reason: string): undefined =>
    void findings.add({ ...at(place, blob), wrong, leaf: size, reason });
  if (bytes === undefined) return refuse('missing', 'listed and not there');
  try {
    const found = readCheckpoint(bytes, blob, tree, verifiers);
    if (found.size !== size) return refuse('misplaced', `it is of size ${found.size}`);
    if (found.known.length === 0) return refuse('unsigned', 'no key that counts has signed it');
    return { size, root: found.root, blob };
  } catch (error) {
    if (!isFault(error, 'NOTE_INVALID')) throw error;
    const reason = String(error.facts.reason);
    return refuse(reason.startsWith('the signature') ? 'unsigned' : 'unreadable', reason);
  }
}

/**
 * The state's copy of the newest checkpoint: it has to be the newest one of the truth. Whoever signs raises it a moment after
 * it made the one in the truth, so one that is behind is looked at again.
 */
export async function checkNewest(place: TreePlace, heads: readonly SignedHead[]): Promise<void> {
  const { store, tree, verifiers, findings, clock, lane } = place;
  const blob = newestCheckpointName(tree);
  const newest = heads.findLast((head) => head.blob.startsWith(checkpointsOf(tree)));
  const tell = (wrong: Found['wrong'], reason: string): void =>
    findings.add({ part: 'newest-checkpoint', of: 'derived', blob, ...lane, wrong, reason });
  for (let look = 1; ; look += 1) {
    const found = await store.state.read(blob);
    try {
      const size = found === undefined ? 0 : readCheckpoint(found.bytes, blob, tree, verifiers).size;
      if (size < (newest?.size ?? 0)) {
        if (look < looksMax) {
          await clock.wait(raiseMs);
          continue;
        }
        if (found === undefined) tell('missing', `there is one of size ${newest!.size} in the truth`);
        else tell('falls', `it is of size ${size}, and ${newest!.size} was signed`);
        return;
      }
      if (found === undefined || size === newest?.size) return;
      // Signed since, or lost since.
      const name = checkpointName(tree, size);
      if ((await store.truth.read(name)) !== undefined) return;
      findings.add({ ...at(place, name), wrong: 'missing', leaf: size, reason: `${blob} is of this size` });
    } catch (error) {
      if (!isFault(error, 'NOTE_INVALID')) throw error;
      tell('unreadable', String(error.facts.reason));
    }
    return;
  }
}
