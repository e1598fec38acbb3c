import { createHash, type Hash } from 'node:crypto';

/** Time of a simulated world, in ms since it began; it moves from event to event, and nothing else moves it. */
export interface Timeline {
  readonly now: number;
  /** How many events have happened. */
  readonly steps: number;
  after(waitMs: number, act: () => void): void;
  /** Adds a line to what is hashed; told to `onLine` with its time. */
  tell(line: string): void;
  /**
   * Lets events happen, the earliest first, those of one time in the order they were made, and after each everything that
   * needs no time. Resolves once `done`, or where no event is left; rejects beyond `stepsMax` events.
   */
  run(done: () => boolean, stepsMax?: number): Promise<void>;
  /** SHA-256 of all that was told so far, hex. */
  hash(): string;
}

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

const isBefore = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** All that follows without waiting: ticks run once no microtask is left. */
const settle = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

export function timeline(onLine?: (line: string) => void): Timeline {
  const heap: Planned[] = [];
  const told: Hash = createHash('sha256');
  let now = 0;
  let order = 0;
  let steps = 0;

  function push(planned: Planned): void {
    let at = heap.push(planned) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(planned, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = planned;
  }

  function pop(): Planned | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  return {
    get now() {
      return now;
    },
    get steps() {
      return steps;
    },
    after(waitMs, act) {
      push({ at: now + Math.max(0, waitMs), order, act });
      order += 1;
    },
    tell(line) {
      told.update(`${now} ${line}\n`);
      onLine?.(`${String(now).padStart(7)}  ${line}`);
    },
    async run(done, stepsMax = 60_000) {
      const end = steps + stepsMax;
      for (;;) {
        await settle();
        if (done()) return;
        const planned = pop();
        if (planned === undefined) return;
        now = planned.at;
        steps += 1;
        if (steps > end) throw new Error(`no end after ${stepsMax} steps`);
        planned.act();
      }
    },
    hash: () => told.copy().digest('hex'),
  };
}
