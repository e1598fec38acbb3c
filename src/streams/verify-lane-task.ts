import { parseVkey } from '../formats/note-key.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { type FindingsTold, findings } from './archive-finding.ts';
import type { LaneName } from './archive-names.ts';
import { laneTreeName, treeHeadName } from './tree-names.ts';
import { checkNewest, type SignedHead, signedHeads, type TreePlace } from './verify-checkpoints.ts';
import { type LaneFound, verifyLane } from './verify-lane.ts';
import { leafAt } from './verify-leaves.ts';
import { type SchemaNamed, schemasSeen } from './verify-schemas.ts';
import { type Since, startOf } from './verify-since.ts';
import { tilesOf, verifyTree } from './verify-tree.ts';

/** Size and root (base64) of a tree, and the blob or file that says so. */
export interface HeadTold {
  readonly size: number;
  readonly root: string;
  readonly blob: string;
}

/** What is to be looked at of one lane, as plain data: another thread may do it. */
export interface LaneTask {
  /** Id of the log. */
  readonly log: string;
  readonly lane: LaneName;
  /** Where its epoch ended; 0 while it is open. */
  readonly end: number;
  readonly deep: boolean;
  readonly since: Since | undefined;
  /** Keys that count. */
  readonly vkeys: readonly string[];
  /** What checkpoints of this tree say that were kept outside of the archive, and what signed cuts say of it. */
  readonly kept: readonly HeadTold[];
  readonly cuts: readonly HeadTold[];
  /** Tiles of leaf hashes that are kept in memory, 8 KiB each. */
  readonly tilesKept: number;
}

export interface LaneAnswer {
  readonly found: LaneFound;
  readonly findings: FindingsTold;
  readonly schemas: readonly SchemaNamed[];
}

/** Looks at a lane, here or elsewhere; tells of records and bytes as they are gone through. */
export type LaneVerifier = (
  task: LaneTask,
  onRecords: (records: number, bytes: number) => void,
) => Promise<LaneAnswer>;

/** Looks at lanes of an archive in this thread. Rejects with the faults of the store. */
export const laneVerifier =
  ({ store, clock }: { readonly store: ArchiveStore; readonly clock: Clock }): LaneVerifier =>
  async (task, onRecords) => {
    const { lane, deep } = task;
    const { epoch, partition } = lane;
    const since = task.since === undefined ? 0 : await startOf(store.truth, lane, task.since);
    const tree = laneTreeName(task.log, lane);
    const found = findings();
    const place: TreePlace = {
      ...{ store, clock, tree, findings: found, tilesKept: task.tilesKept, lane: { epoch, partition } },
      verifiers: task.vkeys.map(parseVkey),
      kept: task.kept.map((told) => ({ origin: tree.origin, ...headOf(told) })),
    };
    const tiles = await tilesOf(place);
    const noHead = tiles === undefined && found.derived === 0;
    const from = await leavesBefore(tiles, since);
    const own = await signedHeads(place, from ?? 0);
    const told = task.cuts.filter(({ size }) => size > (from ?? 0)).map(headOf);
    const heads = [...own, ...told].toSorted((a, b) => a.size - b.size);
    const judged = await verifyTree(place, tiles, { heads, from: from ?? 0, deep });
    const schemas = schemasSeen(epoch, partition);
    const work = { ...place, name: lane, deep, epochEnd: task.end, schemas, onRecords };
    const seen = await verifyLane(work, { ...judged, heads, from, since });
    if (noHead && seen.segments > 0)
      found.add({
        ...{ part: 'head', wrong: 'missing', of: 'derived', blob: treeHeadName(tree), ...place.lane },
        reason: 'there are segments, and no tree',
      });
    await checkNewest(place, own);
    const { truth, derived, listed } = found;
    return { found: seen, findings: { truth, derived, listed }, schemas: schemas.named };
  };

const headOf = ({ size, root, blob }: HeadTold): SignedHead => ({
  ...{ size, blob },
  root: Buffer.from(root, 'base64'),
});

export const toldOf = ({ size, root, blob }: SignedHead): HeadTold => ({
  ...{ size, blob },
  root: root.toString('base64'),
});

/** Leaves before the one of an offset; undefined where nothing tells. */
async function leavesBefore(
  tiles: Awaited<ReturnType<typeof tilesOf>>,
  start: number,
): Promise<number | undefined> {
  if (start === 0) return 0;
  return tiles === undefined || tiles.progress.size === 0 ? undefined : leafAt(tiles, start, 0);
}

/**
 * Looks at lanes, each verifier at one after the other; answers in the order of the tasks. Rejects as soon as one of them does,
 * while others may be at work still.
 */
export async function verifyLanes(
  tasks: readonly LaneTask[],
  verifiers: readonly LaneVerifier[],
  onRecords: (records: number, bytes: number) => void,
): Promise<readonly LaneAnswer[]> {
  const answers: LaneAnswer[] = [];
  let failed = false;
  const left = tasks.entries();
  await Promise.all(
    verifiers.map(async (verify) => {
      for (const [at, task] of left) {
        if (failed) return;
        try {
          answers[at] = await verify(task, onRecords);
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    }),
  );
  return answers;
}
