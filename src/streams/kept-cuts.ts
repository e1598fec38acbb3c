import { Fault } from '../domain/fault.ts';
import { entryBundle, readEntryBundle, tileWidth } from '../formats/tile.ts';
import { widthIn } from '../formats/tree-node.ts';
import type { ArchiveStore, TruthStore } from '../ports/archive.ts';
import { readEntries } from './tree-files.ts';
import type { TreeName } from './tree-names.ts';
import type { TreeWriter } from './tree-writer.ts';

/**
 * Leaves of the meta log in the truth: nothing else in the archive tells them, and without them its checkpoints could not be
 * checked. One blob from one checkpoint to the next, named by its first index, an entry bundle of 1 to 256 leaves.
 */
export const cutsOf = (name: string): string => `cuts/${name}/`;
const indexDigits = 20;
const cutsName = (name: string, first: number): string =>
  `${cutsOf(name)}${String(first).padStart(indexDigits, '0')}`;

async function readCuts(truth: TruthStore, blob: string): Promise<readonly Buffer[]> {
  const bytes = await truth.read(blob);
  if (bytes === undefined) throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'missing' });
  try {
    return readEntryBundle(bytes);
  } catch (error) {
    throw new Fault('ARCHIVE_CORRUPT', { blob, reason: String(error) }, error);
  }
}

async function firsts(truth: TruthStore, name: string): Promise<number[]> {
  const found: number[] = [];
  for await (const blob of truth.list(cutsOf(name))) {
    const digits = /\/([0-9]{20})$/.exec(blob.name)?.[1];
    if (digits === undefined)
      throw new Fault('ARCHIVE_CORRUPT', { blob: blob.name, reason: 'not a name of cuts' });
    found.push(Number(digits));
  }
  return found;
}

/** Leaves [from, to) of a tree whose tiles hold `to`, at most a bundle of them. */
async function leavesOf(store: ArchiveStore, tree: TreeName, from: number, to: number): Promise<Buffer[]> {
  const leaves: Buffer[] = [];
  for (let index = Math.floor(from / tileWidth); index * tileWidth < to; index += 1) {
    const width = to - index * tileWidth >= tileWidth ? tileWidth : widthIn(to, 0, index);
    const entries = await readEntries(store.state, tree, { index, width });
    leaves.push(...entries.slice(Math.max(0, from - index * tileWidth)));
    if (leaves.length >= tileWidth) break;
  }
  return leaves.slice(0, tileWidth);
}

/** Keeps all leaves below `size`. Whoever was first stands, if it holds the same as far as both reach; else `ARCHIVE_FORK`. */
export async function keepCuts(
  store: ArchiveStore,
  name: string,
  tree: TreeName,
  size: number,
): Promise<void> {
  const { truth } = store;
  /** Leaves that stand in the truth from `first` on, which have to be ours. */
  async function check(first: number, kept: readonly Buffer[]): Promise<number> {
    const leaves = first < size ? await leavesOf(store, tree, first, size) : [];
    if (kept.some((leaf, at) => leaves[at]?.equals(leaf) === false))
      throw new Fault('ARCHIVE_FORK', { blob: cutsName(name, first), reason: 'it holds other cuts' });
    return first + kept.length;
  }
  const last = (await firsts(truth, name)).at(-1);
  let next = last === undefined ? 0 : await check(last, await readCuts(truth, cutsName(name, last)));
  while (next < size) {
    const blob = cutsName(name, next);
    const leaves = await leavesOf(store, tree, next, size);
    const created = await truth.create(blob, entryBundle(leaves));
    next = created === 'created' ? next + leaves.length : await check(next, await readCuts(truth, blob));
  }
}

/** The leaves that the truth holds, from the first on. Throws `ARCHIVE_CORRUPT` where one is missing. */
export async function* keptCuts(truth: TruthStore, name: string): AsyncGenerator<string> {
  let next = 0;
  for (const first of await firsts(truth, name)) {
    const blob = cutsName(name, first);
    if (first !== next)
      throw new Fault('ARCHIVE_CORRUPT', { blob, reason: `cuts from ${next} on are missing` });
    for (const leaf of await readCuts(truth, blob)) {
      next += 1;
      yield leaf.toString('utf8');
    }
  }
}

/** Takes the leaves of the truth into a tree that has none: the state was lost. */
export async function restoreCuts({ truth }: ArchiveStore, name: string, writer: TreeWriter): Promise<void> {
  for await (const leaf of keptCuts(truth, name)) {
    if (writer.waiting >= tileWidth) await writer.writeFull();
    writer.append(leaf, writer.size + 1);
  }
}
