import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';

/** The machine's own clock. */
export const systemClock: Clock = {
  now: Date.now,
  async wait(waitMs, signal) {
    try {
      const options = signal === undefined ? {} : { signal };
      await (waitMs === 0 ? turn(undefined, options) : wait(waitMs, undefined, options));
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
};
