import { isFault } from '../domain/fault.ts';
import type { Found } from './archive-finding.ts';
import { cutsOf } from './kept-cuts.ts';
import { type PublishedCut, parseMetaLeaf } from './meta-log.ts';
import type { StoredTiles } from './stored-tiles.ts';
import type { SignedHead, TreePlace } from './verify-checkpoints.ts';
import { leafCheck } from './verify-leaves.ts';
import { allEntriesOf, type TilesVerdict } from './verify-tiles.ts';

/** What signed cuts say of the trees of lanes, by `<epoch>/<partition>`. */
export type HeadsOfLanes = ReadonlyMap<string, readonly SignedHead[]>;

export interface CutsFound {
  /** Cuts that stand in the truth. */
  readonly cuts: number;
  readonly lanes: HeadsOfLanes;
}

/** A bundle has no more entries. */
const perBlob = 256;

/**
 * The meta log: leaves that stand in the truth, one after the other, each a cut that says no less than the one before; they
 * have to be what its tiles and checkpoints were made of.
 */
export async function verifyCuts(
  place: TreePlace,
  name: string,
  tree: { readonly tiles: StoredTiles | undefined; readonly verdict: TilesVerdict },
  heads: readonly SignedHead[],
): Promise<CutsFound> {
  const { findings, store } = place;
  const lanes = new Map<string, SignedHead[]>();
  const check = await leafCheck({ place, ...tree, heads, from: 0, partOf: () => 'cuts' });
  let next = 0;
  let before: PublishedCut | undefined;
  const tell = (blob: string, wrong: Found['wrong'], reason: string): void =>
    findings.add({ part: 'cuts', of: 'truth', blob, wrong, leaf: next, reason });

  for await (const { name: blob } of store.truth.list(cutsOf(name))) {
    const first = Number(/\/([0-9]{20})$/.exec(blob)?.[1] ?? Number.NaN);
    const bytes = await store.truth.read(blob);
    const entries = bytes === undefined ? undefined : allEntriesOf(bytes);
    if (Number.isNaN(first) || first < next) {
      tell(blob, 'extra', `cuts up to ${next} stand before it`);
      continue;
    }
    if (first > next) {
      tell(blob, 'missing', `the cuts from ${next} to ${first - 1} stand nowhere`);
      await check.end();
      return { cuts: next, lanes };
    }
    if (entries === undefined) {
      tell(blob, 'unreadable', `it is no bundle of up to ${perBlob} cuts`);
      await check.end();
      return { cuts: next, lanes };
    }
    for (const entry of entries) {
      const text = entry.toString('utf8');
      const cut = read(text, next);
      if (typeof cut === 'string') tell(blob, 'unreadable', cut);
      else {
        if (!continues(cut, before)) tell(blob, 'falls', 'a cut says less than the one before');
        before = cut;
      }
      if (check.take(text, next, blob)) await check.settle();
      next += 1;
      const head = heads.find(({ size }) => size === next);
      if (head !== undefined && typeof cut !== 'string') noteLanes(lanes, cut, head);
    }
  }
  await check.end();
  const last = heads.at(-1);
  if (last !== undefined && last.size > next)
    tell(last.blob, 'missing', `${last.size} cuts were signed, and ${next} stand in the truth`);
  return { cuts: next, lanes };
}

function read(text: string, index: number): PublishedCut | string {
  try {
    return parseMetaLeaf(text, index);
  } catch (error) {
    if (isFault(error, 'ARCHIVE_CORRUPT')) return String(error.facts.reason);
    throw error;
  }
}

function continues({ time, cut, trees }: PublishedCut, before: PublishedCut | undefined): boolean {
  if (before === undefined) return true;
  if (time < before.time || cut.epoch < before.cut.epoch) return false;
  if (cut.epoch > before.cut.epoch) return true;
  return before.trees.every(
    ({ size }, at) => (trees[at]?.size ?? 0) >= size && (cut.next[at] ?? 0) >= before.cut.next[at]!,
  );
}

function noteLanes(
  lanes: Map<string, SignedHead[]>,
  { cut, trees }: PublishedCut,
  { blob }: SignedHead,
): void {
  for (const [partition, { size, root }] of trees.entries()) {
    if (size === 0) continue;
    const lane = `${cut.epoch}/${partition}`;
    const known = lanes.get(lane) ?? [];
    // A quiet lane has the same tree in many cuts.
    if (known.at(-1)?.size === size && known.at(-1)!.root.equals(root)) continue;
    known.push({ size, root, blob });
    lanes.set(lane, known);
  }
}
