import type { NoteSigner } from '../formats/note-key.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { LaneName } from './archive-names.ts';
import { archivedLeaves } from './archived-leaves.ts';
import { mendCheckpointTiles } from './checkpoint-tiles.ts';
import type { Epoch } from './epochs.ts';
import { openEventDecoders } from './event-decoders.ts';
import { indexLane } from './lane-base.ts';
import { laneTreeName } from './tree-names.ts';
import { signTree } from './tree-signing.ts';
import { openTreeWriter } from './tree-writer.ts';

export interface CompleteOptions {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  /** Id of the log. */
  readonly log: string;
  readonly signer: NoteSigner | undefined;
  /** Every tile is derived and written again, whatever is there. */
  readonly anew?: boolean;
}

/** What was done to the tree of a lane. */
export interface Completed extends LaneName {
  /** Leaves that it has now. */
  readonly size: number;
  /** How many of them were not in it before. */
  readonly added: number;
  /** Of the newest checkpoint; null where nobody signed. */
  readonly signed: number | null;
}

/** Full tiles and bundles that wait before they are written: 2.5 MiB. */
const waitingMax = 128;

/**
 * Brings tree, indexes and base of a lane up to what its archive holds, and signs the tree where that is not done. Done again
 * it does nothing. May run beside an archiver of the lane. Indexes need the number of `partitions` of the epoch, and are left
 * alone without. Throws `ARCHIVE_FORK` where what was signed is not what is there.
 */
export async function completeLane(
  options: CompleteOptions,
  of: LaneName & { readonly partitions?: number },
  signal?: AbortSignal,
): Promise<Completed> {
  const { store, clock, log, signer, anew = false } = options;
  const { partitions, ...lane } = of;
  if (partitions !== undefined)
    await indexLane(store, { ...lane, partitions }, openEventDecoders(store.truth), signal);
  const tree = laneTreeName(log, lane);
  for (;;) {
    const writer = await openTreeWriter({ state: store.state, tree, anew });
    const isNew = anew || writer.progress === undefined;
    const before = writer.progress?.size ?? 0;
    for await (const leaves of archivedLeaves(store, lane, writer.next)) {
      for (const { text, next } of leaves) {
        writer.append(text, next);
        if (writer.waiting < waitingMax) continue;
        signal?.throwIfAborted();
        await writer.writeFull();
      }
    }
    if ((await writer.store()) === 'changed') continue;
    const isOfCheckpoint = isNew && (await mendCheckpointTiles(store, tree, writer.size));
    const added = Math.max(0, writer.size - before);
    const done = { ...lane, size: writer.size, added };
    const signed = writer.progress?.signed?.size ?? null;
    if (isOfCheckpoint && (await writer.keep()) === 'changed') continue;
    if (signer === undefined || writer.size === 0 || signed === writer.size) return { ...done, signed };
    if ((await writer.keep()) === 'changed') continue;
    if ((await signTree(store, tree, writer.head(), signer)) === 'behind') return { ...done, signed };
    if ((await writer.noteSigned(clock.now())) === 'stored') return { ...done, signed: writer.size };
  }
}

/** The lanes of epochs, oldest first. */
export const lanesOf = (epochs: readonly Epoch[]): readonly (LaneName & { readonly partitions: number })[] =>
  epochs.flatMap(({ name, epoch, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, epoch, partition, partitions })),
  );
