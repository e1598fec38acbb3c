import type { Column, ColumnType } from '../../domain/column.ts';
import { type TableProblem, tableLimits } from '../../ports/table-reader.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (node: unknown): node is Json =>
  typeof node === 'object' && node !== null && !Array.isArray(node);

const types: Readonly<Record<string, ColumnType>> = {
  string: 'string',
  byte: 'long',
  short: 'long',
  integer: 'long',
  long: 'long',
  float: 'double',
  double: 'double',
  boolean: 'boolean',
  binary: 'bytes',
  date: 'date',
  timestamp: 'timestamp',
  timestamp_ntz: 'timestamp',
  variant: 'struct',
  void: 'null',
};

/** A column with the name that statistics of files know it by. */
export interface DeltaColumn extends Column {
  readonly physical: string;
  /** Below a list or map, or of a name beyond bounds: files tell nothing of it. */
  readonly many: boolean;
}

interface Place {
  readonly path: string;
  readonly physical: string;
  readonly depth: number;
  readonly many: boolean;
}

const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** Of a dotted name in statistics: what is longer is no column that an engine writes, and is never put together. */
export const physicalCharsMax = 1_024;
const shownCharsMax = 64;
const shown = (text: string): string => text.slice(0, shownCharsMax).toWellFormed();

function nativeOf(type: unknown, depth = 0): string {
  if (typeof type === 'string') return shown(type);
  if (!isObject(type) || typeof type.type !== 'string') return 'unknown';
  if (type.type !== 'array' || depth > 3) return shown(type.type);
  return `array<${nativeOf(type.elementType, depth + 1)}>`;
}

function typeOf(type: unknown): ColumnType {
  if (isObject(type)) return type.type === 'map' ? 'map' : type.type === 'array' ? 'array' : 'struct';
  if (typeof type !== 'string') return 'string';
  if (type.startsWith('decimal')) return 'double';
  return Object.hasOwn(types, type) ? types[type]! : 'string';
}

/** Columns of a Delta table by the schema of its log, names under column mapping followed; undefined: no schema. */
export function deltaColumns(
  schema: unknown,
  partitions: readonly string[],
): { readonly columns: readonly DeltaColumn[]; readonly problems: readonly TableProblem[] } | undefined {
  if (!isObject(schema) || schema.type !== 'struct' || !Array.isArray(schema.fields)) return undefined;
  const columns = new Map<string, DeltaColumn>();
  const partitioned = new Set(partitions);
  const left = { COLUMNS_TOO_MANY: 0, COLUMN_NAMES_TOO_LONG: 0, FIELDS_TOO_DEEP: 0 };

  function fields(all: readonly unknown[], place: Place): void {
    for (const field of all) {
      if (!isObject(field) || typeof field.name !== 'string') continue;
      const metadata = isObject(field.metadata) ? field.metadata : {};
      const mapped = metadata['delta.columnMapping.physicalName'];
      const physical = below(place.physical, typeof mapped === 'string' ? mapped : field.name);
      const path = below(place.path, field.name.toWellFormed());
      const isKnown = physical.length <= physicalCharsMax;
      fieldAt(field, { ...place, path, ...(isKnown ? { physical } : { physical: '', many: true }) });
    }
  }

  function fieldAt(field: Json, place: Place): void {
    const { path: name, physical, many } = place;
    if (columns.has(name)) return;
    if (Buffer.byteLength(name) > tableLimits.nameBytesMax) left.COLUMN_NAMES_TOO_LONG += 1;
    else if (columns.size >= tableLimits.columnsMax) left.COLUMNS_TOO_MANY += 1;
    else {
      const partitioning = partitioned.has(name) ? ({ partitioning: true } as const) : {};
      const [type, nativeType] = [typeOf(field.type), nativeOf(field.type)];
      columns.set(name, {
        name,
        type,
        nativeType,
        nullable: field.nullable !== false,
        physical,
        many,
        ...partitioning,
      });
      within(field.type, place);
    }
  }

  function within(type: unknown, place: Place): void {
    if (!isObject(type)) return;
    if (place.depth >= tableLimits.fieldDepthMax) left.FIELDS_TOO_DEEP += 1;
    else if (type.type === 'struct' && Array.isArray(type.fields))
      fields(type.fields, { ...place, depth: place.depth + 1 });
    else if (type.type === 'array')
      within(type.elementType, { ...place, path: `${place.path}[]`, depth: place.depth + 1, many: true });
  }

  fields(schema.fields, { path: '', physical: '', depth: 0, many: false });
  const problems = Object.entries(left).flatMap(([code, count]) =>
    count === 0 ? [] : [{ code: code as keyof typeof left, count }],
  );
  return { columns: [...columns.values()], problems };
}
