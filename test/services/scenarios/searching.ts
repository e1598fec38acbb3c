import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/** What became of the searches that were sent in one phase. */
export interface Searched {
  sent: number;
  /** What was answered in the place of hits, or that nothing was. */
  readonly failed: string[];
  /** Searches whose answer left out what it had to hold. */
  readonly empty: string[];
  /** Of each answer. */
  readonly tookMs: number[];
}

/** Searches that go out at a rate, whatever their answers take. Those before the first phase count nowhere. */
export interface Searching {
  /** From now on they count for this phase. */
  enter(phase: string): void;
  /** Resolves once so many searches of the present phase are answered. */
  answered(count: number): Promise<void>;
  /** Sends no more, and resolves once all are answered. */
  stop(): Promise<ReadonlyMap<string, Searched>>;
}

export interface SearchOrder {
  readonly address: string;
  readonly perSecond: number;
  /** Names of tables that are there. */
  readonly tables: number;
}

/** The n-th search: it goes out; or, where `tookMs` is there, what became of it. */
export interface SearchTold {
  readonly nth: number;
  readonly tookMs?: number;
  readonly failed?: string;
  readonly empty?: string;
}

const lookMs = 20;

/** In a thread of its own: what this process does besides, and that it begins others, keeps no search and no answer waiting. */
export function searching(order: SearchOrder): Searching {
  const phases = new Map<string, Searched>();
  const underway = new Map<number, Searched>();
  let present = newPhase();
  const worker = new Worker(new URL('./searching-thread.ts', import.meta.url), { workerData: order });
  let isStopped = false;
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => (isStopped ? resolve() : reject(new Error('nothing searches any more'))));
  });
  // Told by `stop`.
  ended.catch(() => undefined);

  worker.on('message', ({ nth, tookMs, failed, empty }: SearchTold) => {
    if (tookMs === undefined) {
      underway.set(nth, present);
      present.sent += 1;
      return;
    }
    const phase = underway.get(nth)!;
    underway.delete(nth);
    phase.tookMs.push(tookMs);
    if (failed !== undefined) phase.failed.push(failed);
    if (empty !== undefined) phase.empty.push(empty);
  });

  return {
    enter(phase) {
      present = newPhase();
      phases.set(phase, present);
    },
    async answered(count) {
      while (present.tookMs.length < count) await Promise.race([pause(lookMs), ended]);
    },
    async stop() {
      isStopped = true;
      worker.postMessage('stop');
      await ended;
      return phases;
    },
  };
}

const newPhase = (): Searched => ({ sent: 0, failed: [], empty: [], tookMs: [] });
