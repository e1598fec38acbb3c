import { type Fault, isFault } from '../domain/fault.ts';
import type { Lease } from '../ports/archive.ts';
import { lastCut, type MetaLogOptions, type PublishedCut, publishCut } from './meta-log.ts';

export type CutNotice =
  | { readonly kind: 'cut'; readonly cut: PublishedCut }
  | { readonly kind: 'fault'; readonly fault: Fault };

export interface PublishOptions extends MetaLogOptions {
  /** One cut this often, by whoever has the lease. */
  readonly everyMs: number;
  /** How often the lease is asked for, or kept; well below its time. */
  readonly lookMs: number;
  readonly onNotice: (notice: CutNotice) => void;
  /** Work of the one who has the lease, once each time it was given; cuts are published meanwhile. */
  readonly onLease?: (signal: AbortSignal) => Promise<void>;
}

export interface CutPublisher {
  /** What keeps it from publishing; passes by itself unless it needs somebody. */
  fault(): Fault | undefined;
  stop(): Promise<void>;
}

export const cutTimes = { everyMs: 60_000, lookMs: 20_000 };
/** A new process looks soon: what an archive came with is completed before somebody verifies it. */
const firstLookMs = 1_000;

/** Publishes a cut once a minute while it has the lease for that, also when no event comes. */
export function publishCuts(options: PublishOptions): CutPublisher {
  const { store, clock, log, name, everyMs, lookMs, onNotice, onLease } = options;
  const stopping = new AbortController();
  let fault: Fault | undefined;
  let lease: Lease | undefined;
  let beside: Promise<void> = Promise.resolve();

  async function isHolder(): Promise<boolean> {
    if (lease !== undefined) {
      if (await lease.renew()) return true;
      lease = undefined;
    }
    lease = await store.lease(`${name}/meta`);
    if (lease !== undefined && onLease !== undefined) beside = beside.then(() => work(onLease));
    return lease !== undefined;
  }

  async function work(given: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await given(stopping.signal);
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (!isFault(error)) throw error;
      onNotice({ kind: 'fault', fault: error });
    }
  }

  async function look(): Promise<void> {
    if (!(await isHolder())) return;
    const last = await lastCut(store, log, name);
    // Looks come a little late; half of one early is nearer to the minute than a whole one late. A clock that went back
    // holds up nothing.
    if (last !== undefined && Math.abs(clock.now() - last.time) < everyMs - lookMs / 2) return;
    const cut = await publishCut(options);
    if (cut !== 'behind') onNotice({ kind: 'cut', cut });
  }

  async function run(): Promise<void> {
    for (let waitMs = Math.min(firstLookMs, lookMs); ; waitMs = lookMs) {
      await clock.wait(waitMs, stopping.signal);
      try {
        await look();
        fault = undefined;
      } catch (error) {
        if (stopping.signal.aborted || !isFault(error)) throw error;
        fault = error;
        onNotice({ kind: 'fault', fault });
        // What needs somebody is looked at again all the same: nothing is signed while it lasts.
      }
    }
  }

  const done = run().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });

  return {
    fault: () => fault,
    async stop() {
      stopping.abort();
      await done;
      await beside;
      try {
        await lease?.[Symbol.asyncDispose]();
      } catch (error) {
        // It runs out by itself; whoever stops has more to do than that.
        if (!isFault(error)) throw error;
        onNotice({ kind: 'fault', fault: error });
      }
    },
  };
}
