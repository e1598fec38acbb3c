export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** `2025-09-16` or `2025-09-16T08:30`, UTC, as milliseconds. */
export const utc = (text: string): number =>
  Date.parse(text.includes('T') ? `${text}:00Z` : `${text}T00:00:00Z`);

export const firstDay = utc('2025-04-01');
/** Exclusive. */
export const endDay = utc('2026-10-01');

/** Midnights of `[from, end)`, every `step` days. */
export const days = (from: number, end: number = endDay, step = 1): number[] =>
  Array.from({ length: Math.ceil((end - from) / (step * dayMs)) }, (_, i) => from + i * step * dayMs);

/** Midnights of the first days of months in `[from, end)`. */
export const monthStarts = (from: number, end: number = endDay): number[] =>
  days(from, end).filter((day) => new Date(day).getUTCDate() === 1);

/** Midnights of Mondays in `[from, end)`. */
export const mondays = (from: number, end: number = endDay): number[] =>
  days(from, end).filter((day) => new Date(day).getUTCDay() === 1);

export const isoDay = (time: number): string => new Date(time).toISOString().slice(0, 10);
/** `2025-3` for the third quarter. */
export const quarterOf = (time: number): string =>
  `${new Date(time).getUTCFullYear()}-${Math.floor(new Date(time).getUTCMonth() / 3)}`;
