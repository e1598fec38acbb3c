import type { TailBlock } from './tail-blocks.ts';

/** The blocks of one lane's tail, while they are kept; undefined: to be read from the store. */
export interface KeptTail {
  readonly blocks: readonly TailBlock[] | undefined;
  /** The tail grew by these. */
  add(blocks: readonly TailBlock[]): void;
  /** The tail holds these and nothing else. */
  become(blocks: readonly TailBlock[]): void;
  forget(): void;
}

/** Blocks that are in tails, kept in memory so that a seal reads nothing back: of all lanes together, up to a bound. */
export interface KeptTails {
  /** What one lane keeps from now on, in the place of what it kept before. */
  of(partition: number, blocks: readonly TailBlock[]): KeptTail;
  /** The lane is left. */
  leave(partition: number): void;
}

const keptBytesMax = 64 * 1024 * 1024;
/** A quiet lane has a block every ten seconds; so many small ones take more memory than they hold. */
const keptBlocksMax = 256;

const storedBytesOf = (blocks: readonly TailBlock[]): number =>
  blocks.reduce((sum, { stored }) => sum + stored.length, 0);

export function keptTails(bytesMax: number = keptBytesMax): KeptTails {
  const held = new Map<number, { readonly of: object; readonly bytes: number }>();
  let heldBytes = 0;

  /** Notes that a lane holds so much now; false, and nothing is held, where it is too much. */
  function hold(partition: number, of: object, bytes: number): boolean {
    heldBytes -= held.get(partition)?.bytes ?? 0;
    const fits = heldBytes + bytes <= bytesMax;
    held.set(partition, { of, bytes: fits ? bytes : 0 });
    heldBytes += fits ? bytes : 0;
    return fits;
  }

  return {
    of(partition, found) {
      let blocks: readonly TailBlock[] | undefined;
      const own = {};
      let isFirst = true;

      function become(now: readonly TailBlock[] | undefined): void {
        // A writer that this process has replaced counts no more.
        if (!isFirst && held.get(partition)?.of !== own) now = undefined;
        else if (
          !hold(partition, own, now === undefined || now.length > keptBlocksMax ? 0 : storedBytesOf(now))
        )
          now = undefined;
        isFirst = false;
        blocks = now === undefined || now.length > keptBlocksMax ? undefined : now;
      }

      become(found);
      return {
        get blocks() {
          return blocks;
        },
        add(more) {
          if (blocks !== undefined) become([...blocks, ...more]);
        },
        become,
        forget: () => become(undefined),
      };
    },
    leave: (partition) => void hold(partition, {}, 0),
  };
}
