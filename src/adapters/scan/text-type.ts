import type { ColumnType } from '../../domain/column.ts';

const integer = /^-?(?:0|[1-9][0-9]*)$/;
const decimal = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$/;
const isoDate = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const isoTime =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?$/;

const nothing = new Set(['', 'null', 'NULL', '\\N']);
const truths = new Set(['true', 'false', 'True', 'False', 'TRUE', 'FALSE']);
const typedLengthMax = 64;
const longMax = 2n ** 63n;

const isDay = (text: string): boolean => {
  const [, year, month, day] = isoDate.exec(text) ?? [];
  if (year === undefined) return false;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
};

const isLong = (text: string): boolean => {
  if (text.length < 19) return true;
  const value = BigInt(text);
  return value < longMax && value >= -longMax;
};

/** Date, timestamp or string: for formats whose text is known to be no number. ISO 8601 calendar dates only. */
export function typeOfWords(text: string): ColumnType {
  if (text.length > typedLengthMax || text.length < 10) return 'string';
  if (isDay(text)) return 'date';
  const day = isoTime.exec(text)?.[1];
  return day !== undefined && isDay(day) ? 'timestamp' : 'string';
}

/**
 * The type of a cell of text. Numbers with leading zeros (postal codes), beyond 64 bits (card and account numbers) or
 * with a plus sign (telephone numbers) are strings: read as numbers they would lose what they say.
 */
export function typeOfText(cell: string): ColumnType {
  const text = cell.trim();
  if (nothing.has(text)) return 'null';
  if (text.length > typedLengthMax) return 'string';
  const first = text.charCodeAt(0);
  if ((first >= 48 && first <= 57) || first === 45) {
    if (integer.test(text)) return isLong(text) ? 'long' : 'string';
    if (decimal.test(text)) return 'double';
    return typeOfWords(text);
  }
  return truths.has(text) ? 'boolean' : 'string';
}
