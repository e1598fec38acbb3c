import type { ColumnProfile, TableProfile } from '../../domain/table-profile.ts';
import { tableLimits } from '../../ports/table-reader.ts';
import { type DeltaColumn, physicalCharsMax } from './delta-schema.ts';

type Json = Readonly<Record<string, unknown>>;
type Bound = number | string;

const isObject = (node: unknown): node is Json =>
  typeof node === 'object' && node !== null && !Array.isArray(node);

interface Gathered {
  /** Files that told a number of nulls. */
  nullFiles: number;
  nulls: number;
  /** Files that told bounds, or had no value to bound. */
  boundFiles: number;
  min: Bound | undefined;
  max: Bound | undefined;
}

/** What the files of one version are together; of plain data, so that a thread can hand it over. */
export interface GatheredFiles {
  files: number;
  bytes: number;
  rows: number;
  /** Files whose rows are known. */
  rowFiles: number;
  readonly columns: Map<string, Gathered>;
}

export const noFiles = (): GatheredFiles => ({
  ...{ files: 0, bytes: 0, rows: 0, rowFiles: 0 },
  columns: new Map(),
});

const statsCharsMax = 1024 * 1024;
/** Of a time or decimal: only those are told. */
const boundCharsMax = 128;
const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

function columnOf({ columns }: GatheredFiles, name: string): Gathered | undefined {
  const found = columns.get(name);
  if (found !== undefined) return found;
  if (columns.size >= tableLimits.columnsMax) return undefined;
  const gathered: Gathered = { nullFiles: 0, nulls: 0, boundFiles: 0, min: undefined, max: undefined };
  columns.set(name, gathered);
  return gathered;
}

/** Leaves of nested statistics by their dotted names. */
function* leaves(node: unknown, path: string, depth: number): Generator<readonly [string, unknown]> {
  if (!isObject(node)) return;
  for (const [key, value] of Object.entries(node)) {
    const name = path === '' ? key : `${path}.${key}`;
    if (name.length > physicalCharsMax) continue;
    if (!isObject(value)) yield [name, value];
    else if (depth < tableLimits.fieldDepthMax) yield* leaves(value, name, depth + 1);
  }
}

/** A number that JSON could not hold whole is no bound. */
const isBound = (value: unknown): value is Bound =>
  (typeof value === 'string' && value.length <= boundCharsMax) ||
  (typeof value === 'number' && (!Number.isInteger(value) || Number.isSafeInteger(value)));

function widen(known: Gathered, min: Bound, max: Bound): void {
  if (known.min === undefined || (typeof known.min === typeof min && min < known.min)) known.min = min;
  if (known.max === undefined || (typeof known.max === typeof max && max > known.max)) known.max = max;
}

/**
 * Takes one file of a table: `stats` is the text that its writer left, `removed` how many of its rows a deletion vector hides
 * (then its nulls and bounds are those of more rows than there are). What cannot be read tells nothing.
 */
export function takeFile(
  all: GatheredFiles,
  { bytes, stats, removed }: { bytes: unknown; stats: unknown; removed: unknown },
): void {
  all.files += 1;
  all.bytes += count(bytes) ?? 0;
  const told = parsed(stats);
  const records = count(told?.numRecords);
  const hidden = count(removed);
  if (told === undefined || records === undefined || hidden === undefined || records < hidden) return;
  all.rows += records - hidden;
  all.rowFiles += 1;
  const nullsOf = new Map<string, number>();
  for (const [name, value] of leaves(told.nullCount, '', 0)) {
    const [nulls, known] = [count(value), columnOf(all, name)];
    if (nulls === undefined || nulls > records || known === undefined) continue;
    nullsOf.set(name, nulls);
    if (hidden > 0) continue;
    known.nullFiles += 1;
    known.nulls += nulls;
  }
  const maxima = new Map(leaves(told.maxValues, '', 0));
  for (const [name, min] of leaves(told.minValues, '', 0)) {
    const [max, known] = [maxima.get(name), columnOf(all, name)];
    if (known === undefined || !isBound(min) || !isBound(max) || typeof min !== typeof max) continue;
    widen(known, min, max);
    known.boundFiles += 1;
  }
  for (const [name, nulls] of nullsOf)
    if (nulls === records && !maxima.has(name)) all.columns.get(name)!.boundFiles += 1;
}

function parsed(stats: unknown): Json | undefined {
  if (typeof stats !== 'string' || stats.length > statsCharsMax) return undefined;
  try {
    const json: unknown = JSON.parse(stats);
    return isObject(json) ? json : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Takes what another one gathered of other files. */
export function takeGathered(all: GatheredFiles, other: GatheredFiles): void {
  all.files += other.files;
  all.bytes += other.bytes;
  all.rows += other.rows;
  all.rowFiles += other.rowFiles;
  for (const [name, theirs] of other.columns) {
    const known = columnOf(all, name);
    if (known === undefined) continue;
    known.nullFiles += theirs.nullFiles;
    known.nulls += theirs.nulls;
    known.boundFiles += theirs.boundFiles;
    if (theirs.min !== undefined && theirs.max !== undefined) widen(known, theirs.min, theirs.max);
  }
}

/** The profile: what is not known of every file is not told. Bounds of numbers and times alone. */
export function profileOf(all: GatheredFiles, columns: readonly DeltaColumn[]): TableProfile {
  const { files, bytes, rows, rowFiles } = all;
  return {
    ...{ files, bytes },
    ...(rowFiles === files ? { rows } : {}),
    columns: columns.flatMap((column) => columnProfile(column, all) ?? []),
  };
}

function columnProfile(
  { name, physical, type, many }: DeltaColumn,
  { columns, files }: GatheredFiles,
): ColumnProfile | undefined {
  const known = columns.get(physical);
  if (known === undefined || many || files === 0) return undefined;
  const nulls = known.nullFiles === files ? { nulls: known.nulls } : {};
  const { min, max } = known.boundFiles === files ? known : {};
  const wanted =
    type === 'long' || type === 'double' ? 'number' : type === 'date' || type === 'timestamp' ? 'string' : '';
  const bounds = typeof min === wanted && typeof max === wanted ? { min: String(min), max: String(max) } : {};
  return { name, ...nulls, ...bounds };
}
