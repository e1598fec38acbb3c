import { type Cut, parseCut } from '../domain/cut.ts';
import { Fault } from '../domain/fault.ts';
import { metaLeafText, type TreeHead, treeRoot } from '../formats/leaf.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import type { ArchiveStore, ETag } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { mendCheckpointTiles } from './checkpoint-tiles.ts';
import { keepCuts, restoreCuts } from './kept-cuts.ts';
import { readProgress } from './tree-files.ts';
import { laneTreeName, metaTreeName, type TreeName, treePrefix } from './tree-names.ts';
import { type SignPoint, signTree } from './tree-signing.ts';
import { openTreeWriter, type TreePoint, type TreeWriter } from './tree-writer.ts';

/** A published cut: what was archived at a time (UTC ms), and the trees over it. */
export interface PublishedCut {
  /** Index of its leaf in the meta log. */
  readonly index: number;
  readonly time: number;
  readonly cut: Cut;
  readonly trees: readonly TreeHead[];
}

/** Points at which a crash must do no harm, in order. */
export type MetaPoint = 'before-cut' | 'after-cut' | 'after-kept-cuts' | TreePoint | SignPoint;

export interface MetaLogOptions {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  /** Id and name of the log. */
  readonly log: string;
  readonly name: string;
  readonly epoch: number;
  readonly partitions: number;
  readonly signer: NoteSigner | undefined;
  /** A checkpoint this often. */
  readonly signMs: number;
  readonly probe?: (point: MetaPoint) => void | Promise<void>;
}

/** The leaf that was decided last. Tiles follow from it, so it comes before them: two who publish at once make one log. */
interface Decided {
  readonly index: number;
  readonly leaf: string;
}

const readsAtOnce = 16;

const decidedName = (tree: TreeName): string => `${treePrefix(tree)}next.json`;

async function readDecided(
  store: ArchiveStore,
  tree: TreeName,
): Promise<{ readonly decided: Decided | undefined; readonly etag: ETag | null }> {
  const blob = decidedName(tree);
  const found = await store.state.read(blob);
  if (found === undefined) return { decided: undefined, etag: null };
  try {
    const { v, index, leaf } = JSON.parse(found.bytes.toString('utf8')) as Partial<Decided> & { v?: unknown };
    if (v === 1 && Number.isSafeInteger(index) && typeof leaf === 'string')
      return { decided: { index: index!, leaf }, etag: found.etag };
  } catch (error) {
    throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'not JSON' }, error);
  }
  throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'no leaf of the meta log' });
}

/** A leaf of the meta log read back. Throws `ARCHIVE_CORRUPT` for any other text. */
export function parseMetaLeaf(text: string, index: number): PublishedCut {
  const corrupt = (cause?: unknown): Fault =>
    new Fault('ARCHIVE_CORRUPT', { reason: 'no leaf of the meta log', index }, cause);
  let found: { time?: unknown; cut?: unknown; trees?: unknown };
  try {
    found = JSON.parse(text) as typeof found;
  } catch (error) {
    throw corrupt(error);
  }
  const cut = typeof found.cut === 'string' ? parseCut(found.cut) : undefined;
  if (cut === undefined || typeof found.time !== 'number' || !Array.isArray(found.trees)) throw corrupt();
  const trees = (found.trees as { size?: unknown; root?: unknown }[]).map(({ size, root }): TreeHead => {
    if (!Number.isSafeInteger(size) || typeof root !== 'string') throw corrupt();
    return { size: size as number, root: Buffer.from(root, 'base64') };
  });
  if (trees.length !== cut.next.length || metaLeafText(found.time, cut, trees) !== text) throw corrupt();
  return { index, time: found.time, cut, trees };
}

/** What the trees of an epoch hold now, as they were stored. */
async function headsOf({ store, log, name, epoch, partitions }: MetaLogOptions): Promise<{
  readonly cut: Cut;
  readonly trees: readonly TreeHead[];
}> {
  const next: number[] = [];
  const trees: TreeHead[] = [];
  for (let start = 0; start < partitions; start += readsAtOnce) {
    const some = Array.from({ length: Math.min(readsAtOnce, partitions - start) }, (_, i) => start + i);
    const found = await Promise.all(
      some.map((partition) =>
        readProgress(store.state, laneTreeName(log, { topic: name, epoch, partition })),
      ),
    );
    for (const { progress } of found.map((one) => one ?? { progress: undefined })) {
      next.push(progress?.next ?? 0);
      trees.push({
        size: progress?.size ?? 0,
        root: progress === undefined ? treeRoot([]) : Buffer.from(progress.root, 'base64'),
      });
    }
  }
  return { cut: { epoch, next }, trees };
}

/** Whether a cut says no less than the one before. */
function continues(
  { cut, trees }: { readonly cut: Cut; readonly trees: readonly TreeHead[] },
  before: PublishedCut | undefined,
): boolean {
  if (before === undefined || cut.epoch > before.cut.epoch) return true;
  if (cut.epoch < before.cut.epoch) return false;
  return before.trees.every(
    ({ size }, at) => trees[at]!.size >= size && cut.next[at]! >= before.cut.next[at]!,
  );
}

/** Takes in what was decided and not stored; undefined where another writer is at it. */
async function upToDate(
  options: MetaLogOptions,
  tree: TreeName,
): Promise<{
  readonly writer: TreeWriter;
  readonly decided: Decided | undefined;
  readonly etag: ETag | null;
}> {
  const { store } = options;
  for (;;) {
    // Before the tree: a leaf is decided once all before it are stored, so a tree that is read later has them.
    const { decided, etag } = await readDecided(store, tree);
    const writer = await openTreeWriter({
      state: store.state,
      tree,
      ...(options.probe === undefined ? {} : { probe: options.probe }),
    });
    const isNew = writer.progress === undefined;
    if (isNew) await restoreCuts(store, options.name, writer);
    if (decided !== undefined && decided.index === writer.size) writer.append(decided.leaf, writer.size + 1);
    if ((await writer.store()) === 'changed') continue;
    if (isNew && (await mendCheckpointTiles(store, tree, writer.size)) && (await writer.keep()) === 'changed')
      continue;
    if (decided === undefined || decided.index < writer.size) return { writer, decided, etag };
    throw new Fault('ARCHIVE_CORRUPT', {
      blob: decidedName(tree),
      reason: `leaf ${decided.index} follows ${writer.size} others`,
    });
  }
}

/**
 * Publishes the present cut: one leaf in the meta log. Any number may do so at once: a leaf is decided under an ETag before
 * any tile of it is written. `behind`: another writer was first, or the trees hold less than the last cut said (then somebody
 * makes them anew). Signs when it is time; every leaf under a checkpoint stands in the truth.
 */
export async function publishCut(options: MetaLogOptions): Promise<PublishedCut | 'behind'> {
  const { store, clock, log, name, probe } = options;
  const tree = metaTreeName(log, name);
  const { writer, decided, etag } = await upToDate(options, tree);
  const before = decided === undefined ? undefined : parseMetaLeaf(decided.leaf, decided.index);
  const heads = await headsOf(options);
  if (!continues(heads, before)) return 'behind';
  // Time of a machine may go back; that of the log does not.
  const time = Math.max(clock.now(), before?.time ?? 0);
  const leaf = metaLeafText(time, heads.cut, heads.trees);
  const index = writer.size;
  await probe?.('before-cut');
  const bytes = Buffer.from(`${JSON.stringify({ v: 1, index, leaf })}\n`);
  if ((await store.state.write(decidedName(tree), bytes, etag)) === 'changed') return 'behind';
  await probe?.('after-cut');
  writer.append(leaf, index + 1);
  if ((await writer.store()) === 'stored') await sign(options, tree, writer);
  return { index, time, ...heads };
}

async function sign(options: MetaLogOptions, tree: TreeName, writer: TreeWriter): Promise<void> {
  const { store, clock, name, signer, signMs, probe } = options;
  const signed = writer.progress?.signed ?? null;
  // Clocks may go back, and differ between machines.
  const isEarly = signed !== null && Math.abs(clock.now() - signed.at) < signMs;
  if (signer === undefined || isEarly) return;
  if ((await writer.keep()) === 'changed') return;
  await keepCuts(store, name, tree, writer.size);
  await probe?.('after-kept-cuts');
  if ((await signTree(store, tree, writer.head(), signer, probe)) === 'signed')
    await writer.noteSigned(clock.now());
}

/** The published cut that stands last; undefined before the first. */
export async function lastCut(
  store: ArchiveStore,
  log: string,
  name: string,
): Promise<PublishedCut | undefined> {
  const { decided } = await readDecided(store, metaTreeName(log, name));
  return decided === undefined ? undefined : parseMetaLeaf(decided.leaf, decided.index);
}
