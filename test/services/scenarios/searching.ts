import { setTimeout as pause } from 'node:timers/promises';

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

/** An answer that does not come within it is none. */
const answerMs = 30_000;
const lookMs = 20;

/** `ask` sends the n-th search to an address and gives what its answer lacks, if anything. */
export function searching(
  address: string,
  perSecond: number,
  ask: (address: string, nth: number, signal: AbortSignal) => Promise<string | undefined>,
): Searching {
  const phases = new Map<string, Searched>();
  const underway = new Set<Promise<void>>();
  const began = performance.now();
  let [all, present] = [0, newPhase()];

  async function send(nth: number, phase: Searched): Promise<void> {
    phase.sent += 1;
    const sentAt = performance.now();
    try {
      const lacks = await ask(address, nth, AbortSignal.timeout(answerMs));
      if (lacks !== undefined) phase.empty.push(lacks);
    } catch (error) {
      phase.failed.push(String(error));
    }
    phase.tookMs.push(performance.now() - sentAt);
  }

  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1_000) * perSecond;
    while (all < due) {
      const sent = send(all, present).finally(() => underway.delete(sent));
      underway.add(sent);
      all += 1;
    }
  }, 1_000 / perSecond);

  return {
    enter(phase) {
      present = newPhase();
      phases.set(phase, present);
    },
    async answered(count) {
      while (present.tookMs.length < count) await pause(lookMs);
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(underway);
      return phases;
    },
  };
}

const newPhase = (): Searched => ({ sent: 0, failed: [], empty: [], tookMs: [] });
