import type { Column, ColumnType } from './column.ts';

/** What is known of the values of one column, all rows together. */
export interface ColumnProfile {
  /** Of a `Column`. */
  readonly name: string;
  readonly nulls?: number;
  /** Of numbers, times and truth values only, as text: what people wrote stays where it is. Both or none. */
  readonly min?: string;
  readonly max?: string;
}

/** What a format states about its content, or what reading all of it showed. */
export interface TableProfile {
  readonly rows?: number;
  /** Of the data, where a table is not the files that were looked into. */
  readonly bytes?: number;
  readonly files?: number;
  readonly columns: readonly ColumnProfile[];
}

/** A part of a table: its columns and what is known of them. */
export interface ProfiledPart {
  readonly columns: readonly Column[];
  readonly profile: TableProfile;
}

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

const known = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>);

/** Digits of a decimal as one whole number, both with as many behind the point; undefined where it is none. */
const decimal = /^-?[0-9]{1,80}(?:\.[0-9]{1,80})?$/;

function compareNumbers(a: string, b: string): number {
  if (!decimal.test(a) || !decimal.test(b)) return Number(a) - Number(b);
  const scale = Math.max(...[a, b].map((text) => (text.split('.')[1] ?? '').length));
  const [x, y] = [a, b].map((text) => {
    const [whole = '', part = ''] = text.split('.');
    return BigInt(whole + part.padEnd(scale, '0'));
  }) as [bigint, bigint];
  return x < y ? -1 : x > y ? 1 : 0;
}

const plainYear = /^[0-9]{4}-/;
const isTime = (type: ColumnType): boolean => type === 'date' || type === 'timestamp' || type === 'time';

/** Order of two bounds of one type; undefined where it cannot be told. */
function compareBounds(type: ColumnType, a: string, b: string): number | undefined {
  if (type === 'long' || type === 'double') {
    const order = compareNumbers(a, b);
    return Number.isNaN(order) ? undefined : order;
  }
  if (!isTime(type)) return a < b ? -1 : a > b ? 1 : 0;
  if (!plainYear.test(a) || !plainYear.test(b)) return undefined;
  // A zone or its lack is the column's; behind a whole second it would sort after a fraction of it.
  const [x, y] = [a.replace('Z', ''), b.replace('Z', '')];
  return x < y ? -1 : x > y ? 1 : 0;
}

interface Bounds {
  readonly min: string;
  readonly max: string;
}

const boundsOf = ({ min, max }: ColumnProfile): Bounds | undefined =>
  min === undefined || max === undefined ? undefined : { min, max };

function wider(type: ColumnType, a: Bounds | undefined, b: Bounds | undefined): Bounds | undefined {
  if (a === undefined || b === undefined) return undefined;
  const [low, high] = [compareBounds(type, a.min, b.min), compareBounds(type, a.max, b.max)];
  if (low === undefined || high === undefined) return undefined;
  return { min: low <= 0 ? a.min : b.min, max: high >= 0 ? a.max : b.max };
}

/** One side of a join: the column's type, absent where the part lacks the column, and what is known of it. */
interface Side {
  readonly type: ColumnType | undefined;
  readonly profile: ColumnProfile | undefined;
  readonly rows: number | undefined;
}

/** Whether a part has no value in a column, so that it bounds nothing. */
const isBare = ({ type, profile, rows }: Side): boolean =>
  type === undefined || rows === 0 || (rows !== undefined && profile?.nulls === rows);

function joinColumn(name: string, a: Side, b: Side): ColumnProfile | undefined {
  const [bareA, bareB] = [isBare(a), isBare(b)];
  const [ours, theirs] = [a, b].map(({ profile }) => (profile === undefined ? undefined : boundsOf(profile)));
  const bounds = bareA ? theirs : bareB ? ours : a.type === b.type ? wider(a.type!, ours, theirs) : undefined;
  // A part that lacks the column has a null in each row.
  const nulls = ({ type, profile, rows }: Side): number | undefined =>
    type === undefined ? rows : profile?.nulls;
  const all = sum(nulls(a), nulls(b));
  if (all === undefined && bounds === undefined) return undefined;
  return { name, ...known('nulls', all), ...bounds };
}

/**
 * What is known of two parts of one table together: sums, and the wider bounds. What one part does not tell is not known of
 * both. Associative, and commutative but for the order of columns.
 */
export function joinProfiles(a: ProfiledPart, b: ProfiledPart): TableProfile {
  const side = ({ columns, profile }: ProfiledPart) => {
    const types = new Map(columns.map(({ name, type }) => [name, type]));
    const profiles = new Map(profile.columns.map((column) => [column.name, column]));
    return (name: string): Side => ({
      ...{ type: types.get(name), profile: profiles.get(name) },
      rows: profile.rows,
    });
  };
  const [ours, theirs] = [side(a), side(b)];
  const names = new Set([...a.profile.columns, ...b.profile.columns].map(({ name }) => name));
  const columns = [...names].flatMap((name) => joinColumn(name, ours(name), theirs(name)) ?? []);
  return {
    ...known('rows', sum(a.profile.rows, b.profile.rows)),
    ...known('bytes', sum(a.profile.bytes, b.profile.bytes)),
    ...known('files', sum(a.profile.files, b.profile.files)),
    columns,
  };
}
