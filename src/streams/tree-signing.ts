import { Fault, isFault } from '../domain/fault.ts';
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from '../formats/checkpoint.ts';
import { parseNote, signNote } from '../formats/note.ts';
import { type NoteSigner, type NoteVerifier, parseVkey } from '../formats/note-key.ts';
import { rangeRoot, tilesFor } from '../formats/tree-node.ts';
import type { ArchiveStore, StateStore, TruthStore } from '../ports/archive.ts';
import { checkpointSizes } from './checkpoint-tiles.ts';
import { readTile } from './tree-files.ts';
import { checkpointName, keysPrefix, newestCheckpointName, type TreeName, vkeyName } from './tree-names.ts';

/** Points at which a crash must do no harm, in order. */
export type SignPoint = 'before-checkpoint' | 'after-checkpoint' | 'after-newest';

const signWith = (signer: NoteSigner, checkpoint: Checkpoint): Buffer =>
  Buffer.from(signNote(formatCheckpoint(checkpoint), signer));

/**
 * A checkpoint as somebody wrote it. Signatures of `verifiers` have to be right; none of them needs to be there, for a key may
 * have been changed. Throws `NOTE_INVALID`, with the blob's name.
 */
export function readCheckpoint(
  bytes: Buffer,
  blob: string,
  tree: TreeName,
  verifiers: readonly NoteVerifier[],
): Checkpoint & { readonly known: readonly string[] } {
  try {
    const { text, signatures } = parseNote(bytes);
    const known = signatures.flatMap(({ name, keyId, signature }) => {
      const verifier = verifiers.find((key) => key.name === name && key.keyId.equals(keyId));
      if (verifier === undefined) return [];
      if (!verifier.verify(text, signature))
        throw new Fault('NOTE_INVALID', { reason: `the signature of ${name} is wrong` });
      return [name];
    });
    const checkpoint = parseCheckpoint(text);
    if (checkpoint.origin !== tree.origin)
      throw new Fault('NOTE_INVALID', { reason: `it is of ${checkpoint.origin}` });
    return { ...checkpoint, known };
  } catch (error) {
    throw isFault(error) ? new Fault('NOTE_INVALID', { blob, ...error.facts }, error) : error;
  }
}

/** Root of the first `size` leaves of a tree that has `of` in its tiles. */
export async function rootAt(state: StateStore, tree: TreeName, size: number, of: number): Promise<Buffer> {
  const range = { start: 0, end: size };
  const tiles = new Map<string, Buffer>();
  for (const place of tilesFor([range], of))
    tiles.set(`${place.level}/${place.index}`, await readTile(state, tree, place));
  return rangeRoot(range, ({ level, index }) => tiles.get(`${level}/${index}`)!);
}

const fork = (blob: string, reason: string): Fault => new Fault('ARCHIVE_FORK', { blob, reason });

/**
 * Makes a checkpoint of a tree whose tiles hold all its leaves: create-only by its size in the truth, then the newest one in
 * the state, whose size never falls. Before, the newest one there must be a prefix of this tree. `behind`: there is a newer
 * one, and nothing was made. Throws `ARCHIVE_FORK` where two histories meet.
 */
export async function signTree(
  store: ArchiveStore,
  tree: TreeName,
  head: { readonly size: number; readonly root: Buffer },
  signer: NoteSigner,
  probe?: (point: SignPoint) => void | Promise<void>,
): Promise<'signed' | 'behind'> {
  const verifiers = [parseVkey(signer.vkey)];
  const { truth, state } = store;
  const newest = (await checkpointSizes(truth, tree)).at(-1);
  if (newest !== undefined && newest > head.size) return 'behind';
  if (newest !== undefined && newest < head.size) {
    const before = await checkpointIn(truth, tree, newest, verifiers);
    if (!before.root.equals(await rootAt(state, tree, newest, head.size)))
      throw fork(checkpointName(tree, newest), 'it is no prefix of what the archive holds');
  }
  const bytes = signWith(signer, { origin: tree.origin, ...head });
  await probe?.('before-checkpoint');
  if ((await truth.create(checkpointName(tree, head.size), bytes)) === 'exists') {
    const theirs = await checkpointIn(truth, tree, head.size, verifiers);
    if (!theirs.root.equals(head.root))
      throw fork(checkpointName(tree, head.size), 'the archive holds other records');
  }
  await probe?.('after-checkpoint');
  await raiseNewest(state, tree, head.size, bytes, verifiers);
  await probe?.('after-newest');
  return 'signed';
}

async function checkpointIn(
  truth: TruthStore,
  tree: TreeName,
  size: number,
  verifiers: readonly NoteVerifier[],
): Promise<Checkpoint> {
  const name = checkpointName(tree, size);
  const bytes = await truth.read(name);
  if (bytes === undefined) throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: 'missing' });
  const found = readCheckpoint(bytes, name, tree, verifiers);
  if (found.size !== size)
    throw new Fault('NOTE_INVALID', { blob: name, reason: `it is of size ${found.size}` });
  return found;
}

/** The state's copy of the newest checkpoint: its size never falls, whoever writes. */
export async function raiseNewest(
  state: StateStore,
  tree: TreeName,
  size: number,
  bytes: Buffer,
  verifiers: readonly NoteVerifier[],
): Promise<void> {
  const name = newestCheckpointName(tree);
  for (;;) {
    const found = await state.read(name);
    if (found !== undefined && readCheckpoint(found.bytes, name, tree, verifiers).size >= size) return;
    if ((await state.write(name, bytes, found?.etag ?? null)) !== 'changed') return;
  }
}

/** Public keys that the archive names, for whoever checks it; which of them to trust is for the reader to decide. */
export async function readVkeys(truth: TruthStore): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { name } of truth.list(keysPrefix)) {
    const bytes = await truth.read(name);
    if (bytes !== undefined) keys.push(bytes.toString('utf8').trimEnd());
  }
  return keys;
}

/** Leaves the signer's public key in the archive. */
export async function keepVkey(truth: TruthStore, { vkey, keyId }: NoteSigner): Promise<void> {
  const name = vkeyName(keyId);
  const bytes = Buffer.from(`${vkey}\n`);
  if ((await truth.create(name, bytes)) === 'created') return;
  if ((await truth.read(name))?.equals(bytes) !== true)
    throw new Fault('ARCHIVE_FORK', { blob: name, reason: 'another key has this id' });
}
