import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { firstOf, segmentsOf } from './archive-names.ts';
import { openSegment } from './chain.ts';
import { lanesOf } from './complete.ts';
import type { Epoch } from './epochs.ts';

/** Offsets [first, next) that an archive says it has not: never given by the log, or dropped before they were archived. */
export interface MissingOffsets {
  readonly kind: 'hole' | 'gap';
  readonly epoch: number;
  readonly partition: number;
  readonly first: number;
  readonly next: number;
}

/** A hole or gap is a header and nothing else; what is larger has records and need not be read. */
const headerBytesMax = 4_096;
const lanesAtOnce = 8;

/**
 * Holes and gaps of all lanes, oldest first. Segments are create-only, so each is looked at once; new ones at most every
 * `everyMs`, however often it is asked.
 */
export function missingOffsets(
  { truth }: ArchiveStore,
  epochs: readonly Epoch[],
  { clock, everyMs }: { readonly clock: Clock; readonly everyMs: number },
): () => Promise<readonly MissingOffsets[]> {
  const lanes = lanesOf(epochs).map((lane) => ({
    lane,
    after: undefined as string | undefined,
    found: [] as MissingOffsets[],
  }));
  let read: { readonly at: number; readonly all: Promise<readonly MissingOffsets[]> } | undefined;

  async function look(known: (typeof lanes)[number]): Promise<void> {
    const { epoch, partition } = known.lane;
    for await (const { name, bytes } of truth.list(segmentsOf(known.lane), known.after)) {
      const first = firstOf(name);
      if (first !== undefined && bytes <= headerBytesMax) {
        const header = (await openSegment(truth, known.lane, first))?.header;
        if (header !== undefined && header.kind !== 'data')
          known.found.push({ kind: header.kind, epoch, partition, first, next: header.next });
      }
      known.after = name;
    }
  }

  async function lookAll(): Promise<readonly MissingOffsets[]> {
    for (let at = 0; at < lanes.length; at += lanesAtOnce)
      await Promise.all(lanes.slice(at, at + lanesAtOnce).map(look));
    return lanes.flatMap(({ found }) => found);
  }

  return () => {
    if (read === undefined || clock.now() - read.at >= everyMs) {
      const all = lookAll();
      read = { at: clock.now(), all };
      // Whoever asked is told; the next one asks again.
      all.catch(() => {
        read = undefined;
      });
    }
    return read.all;
  };
}
