import type { EventLog } from '../ports/event-log.ts';

/** Where the lanes of a log ended when somebody looked last: a lag is told also while what is behind cannot be reached. */
export interface LogEnds {
  look(): Promise<void>;
  /** Records that lie before those ends and not before `next` of their lane. */
  lag(next: (partition: number) => number): number;
}

export function logEnds(log: Pick<EventLog, 'bounds'>): LogEnds {
  let ends: readonly number[] = [];
  return {
    async look() {
      ends = (await log.bounds()).map(({ end }) => end);
    },
    lag: (next) => ends.reduce((sum, end, partition) => sum + Math.max(0, end - next(partition)), 0),
  };
}
