import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';

/** The machine's own clock. */
export const systemClock: Clock = {
  now: Date.now,
  wait: (waitMs, signal) => wait(waitMs, undefined, signal === undefined ? {} : { signal }),
};
