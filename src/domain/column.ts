/** Platform-independent types a scanned column may have. `null` = no value was seen. */
export type ColumnType =
  | 'null'
  | 'boolean'
  | 'long'
  | 'double'
  | 'date'
  | 'timestamp'
  | 'time'
  | 'string'
  | 'bytes'
  | 'map'
  | 'array'
  | 'struct';

/** One column or nested field of a table. */
export interface Column {
  /** Field path: names joined by `.`, `[]` behind the name of an array (`items[].sku`). At most 512 bytes. */
  readonly name: string;
  readonly type: ColumnType;
  /** What the format itself calls it (`array<string>`); for text formats the inferred type. */
  readonly nativeType: string;
  readonly nullable: boolean;
  /** The value stands in the folder's name (`day=2024-05-01`), not in the files. */
  readonly partitioning?: true;
}

const wider: Partial<Record<ColumnType, ColumnType>> = { long: 'double', date: 'timestamp' };

/** The narrowest type that holds values of both. Commutative, associative, idempotent; `null` is neutral. */
export function widen(a: ColumnType, b: ColumnType): ColumnType {
  if (a === b || b === 'null') return a;
  if (a === 'null') return b;
  if (wider[a] === b) return b;
  if (wider[b] === a) return a;
  return 'string';
}

const widenColumn = (a: Column, b: Column): Column => {
  const type = widen(a.type, b.type);
  const nativeType = type === a.type ? a.nativeType : type === b.type ? b.nativeType : type;
  return { ...a, type, nativeType, nullable: a.nullable || b.nullable };
};

const alike = (a: Column, b: Column): boolean =>
  a.name === b.name && a.type === b.type && a.nativeType === b.nativeType && a.nullable === b.nullable;

/**
 * The columns of two parts of one table: those of `a` in its order, then those only `b` has; types widened, and
 * nullable where one part lacks the column. Returns `a` itself when `b` adds nothing.
 */
export function mergeColumns(a: readonly Column[], b: readonly Column[]): readonly Column[] {
  if (a.length === b.length && a.every((column, i) => alike(column, b[i]!))) return a;
  const others = new Map(b.map((column) => [column.name, column]));
  const merged = a.map((column) => {
    const other = others.get(column.name);
    others.delete(column.name);
    return other === undefined ? { ...column, nullable: true } : widenColumn(column, other);
  });
  for (const column of others.values()) merged.push({ ...column, nullable: true });
  return merged;
}
