import { type Fault, isFault } from '../domain/fault.ts';
import type { BlobName, ETag, StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';

/** What is held without a heartbeat for this long may be taken over. */
export const claimStaleMs = 30_000;
const heartbeatMs = 5_000;

/** A blob that this process wrote last, and holds by writing into it again and again. */
export interface HeldBlob {
  readonly state: StateStore;
  readonly clock: Clock;
  readonly name: BlobName;
  /** Of the write that took it. */
  readonly etag: ETag;
  readonly bytes: (heartbeatAt: number) => Buffer;
  /** Whether what stands there was written under this holding: an answer that got lost is looked up. */
  readonly isOurs: (bytes: Buffer) => boolean;
  /** What `work` is aborted by where somebody else took it. */
  readonly takenOver: () => Fault;
}

/**
 * Runs `work` with a heartbeat behind it. The signal that `work` gets aborts when the blob is lost; `beat` writes at once. At the end
 * it is let go by a heartbeat of 0, so that what else stands in it stays; not let go, it goes stale.
 */
export async function whileHeld<Result>(
  { state, clock, name, bytes, isOurs, takenOver, ...held }: HeldBlob,
  work: (lost: AbortSignal, beat: () => Promise<'held' | 'lost'>) => Promise<Result>,
): Promise<Result> {
  let { etag } = held;
  let beatenAt = clock.now();

  /** A store that does not answer is no loss before the blob is stale; its lost answers are looked up. */
  async function beat(heartbeatAt: number): Promise<'held' | 'lost'> {
    try {
      const written = await state.write(name, bytes(heartbeatAt), etag);
      if (written === 'changed') {
        const found = await state.read(name);
        if (found === undefined || !isOurs(found.bytes)) return 'lost';
        etag = found.etag;
        return beat(heartbeatAt);
      }
      etag = written;
      beatenAt = clock.now();
      return 'held';
    } catch (error) {
      if (!isFault(error) || error.remedy !== 'retry') throw error;
      return clock.now() - beatenAt < claimStaleMs ? 'held' : 'lost';
    }
  }

  const over = new AbortController();
  const lost = new AbortController();
  const beating = (async () => {
    while (!over.signal.aborted) {
      await clock.wait(heartbeatMs, over.signal).catch((error: unknown) => {
        if (!over.signal.aborted) throw error;
      });
      if (over.signal.aborted) return;
      if ((await beat(clock.now())) === 'held') continue;
      lost.abort(takenOver());
      return;
    }
  })();
  beating.catch((error: unknown) => lost.abort(error));
  try {
    return await work(lost.signal, () => beat(clock.now()));
  } finally {
    over.abort();
    await beating.catch((error: unknown) => {
      if (!lost.signal.aborted) throw error;
    });
    if (!lost.signal.aborted) await beat(0);
  }
}
