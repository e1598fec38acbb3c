/** A log's end as it was first seen then. */
interface Mark {
  readonly end: number;
  readonly at: number;
}

const marksMax = 256;

/** When the records of a log were first seen to be there, by partition; at most 256 moments of each. */
export interface LogAges {
  /** What `bounds` told at `now`, UTC milliseconds. */
  see(partition: number, end: number, now: number): void;
  /**
   * For how long something has been at or behind `next`, in milliseconds; 0 where there is nothing. What was there before
   * the first look counts from then; of a long backlog it may be told as older than it is, never as younger.
   */
  ageMs(partition: number, next: number, now: number): number;
}

export function logAges(): LogAges {
  const marks = new Map<number, Mark[]>();
  return {
    see(partition, end, now) {
      const seen = marks.get(partition) ?? [];
      marks.set(partition, seen);
      const last = seen.at(-1);
      if (end <= (last?.end ?? 0)) return;
      seen.push({ end, at: now });
      if (seen.length > marksMax) marks.set(partition, halved(seen));
    },
    ageMs(partition, next, now) {
      const first = marks.get(partition)?.find(({ end }) => end > next);
      return first === undefined ? 0 : Math.max(0, now - first.at);
    },
  };
}

/** Two neighbours become one that is as old as the first and reaches as far as the second. */
const halved = (marks: readonly Mark[]): Mark[] =>
  marks.flatMap((mark, i) => (i % 2 === 0 ? [{ at: mark.at, end: (marks[i + 1] ?? mark).end }] : []));
