import { type Position, parsePosition } from './position.ts';

/** A moment as it was asked for: a time, UTC milliseconds, or the place of an event. */
export type AskedMoment = { readonly time: number } | { readonly position: Position };

export type MomentRead = AskedMoment | { readonly wrong: string };

const unitMs: Readonly<Record<string, number>> = {
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
};
const textMax = 64;
const agoText =
  /^(?:(\d{1,9})w)? ?(?:(\d{1,9})d)? ?(?:(\d{1,9})h)? ?(?:(\d{1,9})m)? ?(?:(\d{1,9})s)?(?: ago)?$/u;
const dateText = /^(\d{4})-(\d{2})-(\d{2})$/u;
const dateTimeText =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)? ?([Zz]|[+-]\d{2}(?::?\d{2})?)?$/u;

/**
 * Reads what somebody wrote for a moment: `2h`, `1d 12h`, `90s ago` (weeks to seconds, each at most once, largest first;
 * before `now`), `now`, `2026-03-01` (its first moment in UTC), `2026-03-01T09:30[:15[.250]]` with `Z` or an offset, or
 * `@<position>`. Space around it and full-width forms are taken; a day that no calendar has and a date-time without a zone
 * are not. `now` is UTC milliseconds. Times lie in the years 0001 to 9999.
 */
export function parseMoment(text: string, now: number): MomentRead {
  if (text.length > textMax) return { wrong: `longer than ${textMax} characters` };
  const asked = text
    .normalize('NFKC')
    .replace(/\u2212/gu, '-')
    .replace(/\s+/gu, ' ')
    .trim();
  if (asked === '') return { wrong: 'empty' };
  if (asked === 'now') return { time: now };
  if (asked.startsWith('@')) {
    const position = parsePosition(asked.slice(1));
    return position === undefined ? { wrong: 'not a position behind the @' } : { position };
  }
  return ago(asked, now) ?? calendar(asked) ?? { wrong: 'neither a time ago, nor a date, nor a position' };
}

function ago(asked: string, now: number): MomentRead | undefined {
  const match = agoText.exec(asked);
  if (match === null || !/^\d/u.test(asked)) return undefined;
  const beforeMs = Object.values(unitMs).reduce((sum, ms, i) => sum + Number(match[i + 1] ?? 0) * ms, 0);
  const time = now - beforeMs;
  return time >= yearOneMs ? { time } : { wrong: 'before the year 1' };
}

const yearOneMs = -62_135_596_800_000;
const yearEndMs = 253_402_300_799_999;

function calendar(asked: string): MomentRead | undefined {
  const date = dateText.exec(asked);
  if (date !== null) return timeOf(date, 0, 0);
  const match = dateTimeText.exec(asked);
  if (match === null) return undefined;
  const [hour, minute, second] = [match[4], match[5], match[6] ?? '0'].map(Number);
  if (hour! > 23 || minute! > 59 || second! > 59) return { wrong: 'no time of day' };
  const zone = match[8];
  if (zone === undefined) return { wrong: 'without a zone: add Z for UTC, or an offset such as +02:00' };
  const offsetMs = zoneMs(zone);
  if (offsetMs === undefined) return { wrong: 'no zone of the earth' };
  const fractionMs = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  return timeOf(match, ((hour! * 60 + minute!) * 60 + second!) * 1_000 + fractionMs, offsetMs);
}

function zoneMs(zone: string): number | undefined {
  if (/^z$/iu.test(zone)) return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  const whole = zone.length === 3 ? hours * 60 : hours * 60 + minutes;
  if (hours > 14 || (zone.length > 3 && minutes > 59)) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * whole * 60_000;
}

function timeOf(match: RegExpExecArray, ofDayMs: number, offsetMs: number): MomentRead {
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  if (year === 0 || midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day)
    return { wrong: 'no day of the calendar' };
  const time = midnight.getTime() + ofDayMs - offsetMs;
  return time >= yearOneMs && time <= yearEndMs ? { time } : { wrong: 'outside the years 1 to 9999' };
}

/** The UTC text of a time: `2026-03-01T09:30:00.000Z`. */
export const formatTime = (time: number): string => new Date(time).toISOString();
