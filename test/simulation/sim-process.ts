import type { Fate, Fates } from './fates.ts';
import { nameOf } from './fates.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';
import type { Wire } from './wire.ts';

/** What a process needs of the world it is in. */
export interface ProcessWorld {
  readonly time: Timeline;
  readonly random: Random;
  readonly fates: Fates;
  cover(cell: string): void;
  /** Whose request is being done; undefined where it is nobody's. */
  acting: Acting | undefined;
}

export interface Acting {
  /** It was sent by who slept, or arrives when nobody expects it. */
  readonly isZombie: boolean;
  readonly isLate: boolean;
}

/** A process of an archiver: it may stand still, and die at any step. Only its own deliveries make it go on. */
export interface SimProcess extends Wire {
  readonly name: string;
  readonly state: 'up' | 'paused' | 'dead';
  kill(): void;
  pause(): void;
  resume(): void;
  /** Moves its clock. */
  skew(byMs: number): void;
  probe(point: string): Promise<void> | undefined;
}

const startedAt = 1_763_600_000_000;
const pauseMs = { least: 200, most: 30_000 };
const lateMs = { least: 50, most: 20_000 };
const patienceMs = 400;

export function simProcess(
  name: string,
  world: ProcessWorld,
  onDeath: () => void,
  skewMs: number,
): SimProcess {
  const { time, random, fates } = world;
  let state: SimProcess['state'] = 'up';
  let skewed = skewMs;
  let wasPaused = false;
  let held: (() => void)[] = [];

  function deliver(act: () => void): void {
    if (state === 'paused') held.push(act);
    else if (state === 'up') act();
  }

  function kill(): void {
    if (state === 'dead') return;
    state = 'dead';
    held = [];
    time.tell(`${name} dies`);
    onDeath();
  }

  function pause(): void {
    if (state !== 'up') return;
    state = 'paused';
    wasPaused = true;
    time.tell(`${name} stands still`);
    time.after(random.between(pauseMs.least, random.pick([1_000, 5_000, pauseMs.most])), resume);
  }

  /** What was held comes one by one, as far as it does not stop again. */
  function resume(): void {
    if (state !== 'paused') return;
    state = 'up';
    time.tell(`${name} goes on`);
    const acts = held;
    held = [];
    for (const act of acts) time.after(0, () => deliver(act));
  }

  const latency = (): number => (random.chance(0.05) ? random.between(20, 300) : random.between(1, 12));
  const told = (step: string, fate: Fate): void => {
    world.cover(nameOf({ step, fate }));
    time.tell(`${name} ${step}: ${fate}`);
  };

  function call<T>(step: string, effect: () => T | PromiseLike<T>, lost: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      if (state === 'dead') return;
      world.cover(`step ${step}`);
      const fate = fates.of(step);
      const reply = (outcome: () => void): void => time.after(latency(), () => deliver(outcome));
      const giveUp = (): void =>
        time.after(random.between(5, patienceMs), () => deliver(() => reject(lost())));
      const arrive = (answer: (outcome: () => void) => void): void => {
        time.tell(`${name} ${step}`);
        try {
          world.acting = { isZombie: wasPaused || fate === 'late', isLate: fate === 'late' };
          const found = effect();
          if (isLater(found))
            found.then(
              (value) => answer(() => resolve(value)),
              (error: unknown) => answer(() => reject(error)),
            );
          else answer(() => resolve(found));
        } catch (error) {
          answer(() => reject(error));
        } finally {
          world.acting = undefined;
        }
      };
      switch (fate) {
        case undefined:
          return time.after(latency(), () => arrive(reply));
        case 'crash before':
          told(step, fate);
          return kill();
        case 'crash after':
          return time.after(latency(), () => {
            arrive(() => undefined);
            if (state === 'dead') return;
            told(step, fate);
            kill();
          });
        case 'pause before':
          told(step, fate);
          pause();
          return deliver(() => time.after(latency(), () => arrive(reply)));
        case 'pause after':
          return time.after(latency(), () => {
            if (state === 'up') told(step, fate);
            pause();
            arrive(reply);
          });
        case 'request lost':
          told(step, fate);
          return giveUp();
        case 'reply lost':
          told(step, fate);
          time.after(latency(), () => arrive(() => undefined));
          return giveUp();
        case 'late':
          time.after(
            patienceMs + random.between(lateMs.least, random.pick([500, 3_000, lateMs.most])),
            () => {
              told(step, fate);
              arrive(() => undefined);
            },
          );
          return giveUp();
      }
    });
  }

  return {
    name,
    get state() {
      return state;
    },
    ...{ kill, pause, resume, deliver, call },
    skew(byMs) {
      skewed += byMs;
    },
    probe(point) {
      if (state === 'dead') return new Promise(() => undefined);
      time.tell(`${name} ${point}`);
      const fate = fates.of(point);
      if (fate === undefined) return undefined;
      told(point, fate);
      if (fate === 'crash before') kill();
      else pause();
      return new Promise((resolve) => deliver(resolve));
    },
    clock: {
      now: () => startedAt + time.now + skewed,
      wait: (waitMs, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) {
            reject(signal.reason);
            return;
          }
          let over = false;
          const abort = (): void => {
            over = true;
            reject(signal!.reason);
          };
          signal?.addEventListener('abort', abort, { once: true });
          time.after(waitMs, () => {
            if (over) return;
            deliver(() => {
              signal?.removeEventListener('abort', abort);
              resolve();
            });
          });
        }),
    },
  };
}

const isLater = <T>(found: T | PromiseLike<T>): found is PromiseLike<T> => found instanceof Promise;
