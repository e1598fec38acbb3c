import { type Column, type ColumnType, widen } from '../../domain/column.ts';
import { type TableProblem, tableLimits } from '../../ports/table-reader.ts';
import { typeOfWords } from './text-type.ts';

interface Field {
  readonly path: string;
  type: ColumnType;
  readonly kinds: Set<string>;
  /** Times a value that is not null was seen. */
  seen: number;
  /** Objects among them: how often a child could have been seen. */
  objects: number;
  readonly children: Map<string, Field>;
  items: Field | undefined;
}

const newField = (path: string): Field => ({
  path,
  type: 'null',
  kinds: new Set(),
  seen: 0,
  objects: 0,
  children: new Map(),
  items: undefined,
});

const longEnd = 2 ** 63;

function typeOf(value: unknown): ColumnType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'string':
      return typeOfWords(value);
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < longEnd ? 'long' : 'double';
    case 'boolean':
      return 'boolean';
    default:
      return 'struct';
  }
}

const kindOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;

const nativeType = (field: Field): string =>
  [...field.kinds]
    .sort()
    .map((kind) =>
      kind === 'array' && field.items !== undefined ? `array<${nativeType(field.items)}>` : kind,
    )
    .join('|') || 'null';

/**
 * The shape of JSON rows, gathered row by row. Field paths: `a.b` for `b` within `a`, `a[].b` within the objects of the
 * list `a`; a row that is no object counts as `{"value": row}`. A name with a dot is not told from nesting: both are one
 * field. Bounds: `tableLimits`; what lies beyond is counted as a problem and described by the field that holds it.
 */
export function jsonShape() {
  const root = newField('');
  const seenPaths = new Map<string, Field>();
  const unseen = { deep: new Set<string>(), long: 0, many: 0 };

  const childOf = (parent: Field, name: string): Field | undefined => {
    const known = parent.children.get(name);
    if (known !== undefined) return known;
    const spoken = name === '' ? '""' : name.toWellFormed();
    const path = parent === root ? spoken : `${parent.path}.${spoken}`;
    const same = seenPaths.get(path);
    if (same === undefined && Buffer.byteLength(path) > tableLimits.nameBytesMax) {
      unseen.long += 1;
      return undefined;
    }
    if (same === undefined && seenPaths.size >= tableLimits.columnsMax) {
      unseen.many += 1;
      return undefined;
    }
    const child = same ?? newField(path);
    seenPaths.set(path, child);
    parent.children.set(name, child);
    return child;
  };

  const addObject = (field: Field, object: object, depth: number): void => {
    field.objects += 1;
    if (depth > tableLimits.fieldDepthMax) {
      unseen.deep.add(field.path);
      return;
    }
    for (const [name, value] of Object.entries(object)) {
      const child = childOf(field, name);
      if (child !== undefined) add(child, value, depth);
    }
  };

  const add = (field: Field, value: unknown, depth: number): void => {
    const type = typeOf(value);
    field.type = widen(field.type, type);
    if (type === 'null') return;
    field.kinds.add(kindOf(value));
    field.seen += 1;
    if (Array.isArray(value)) {
      field.items ??= newField(`${field.path}[]`);
      if (depth >= tableLimits.fieldDepthMax) unseen.deep.add(field.path);
      else for (const item of value) add(field.items, item, depth + 1);
    } else if (typeof value === 'object' && value !== null) addObject(field, value, depth + 1);
  };

  return {
    addRow(row: unknown): void {
      const isObject = typeof row === 'object' && row !== null && !Array.isArray(row);
      addObject(root, isObject ? row : { value: row }, 1);
    },
    rows: (): number => root.objects,
    columns: (): Column[] => columnsOf(root, new Set()),
    problems(): TableProblem[] {
      const problems: TableProblem[] = [];
      if (unseen.many > 0) problems.push({ code: 'COLUMNS_TOO_MANY', count: unseen.many });
      if (unseen.long > 0) problems.push({ code: 'COLUMN_NAMES_TOO_LONG', count: unseen.long });
      if (unseen.deep.size > 0) problems.push({ code: 'FIELDS_TOO_DEEP', count: unseen.deep.size });
      return problems;
    },
  };
}

/** Parents before children, in the order in which they were first seen. */
function columnsOf(parent: Field, given: Set<Field>): Column[] {
  const columns: Column[] = [];
  for (const field of parent.children.values()) {
    if (given.has(field)) continue;
    given.add(field);
    const nullable = field.seen < parent.objects;
    columns.push({ name: field.path, type: field.type, nativeType: nativeType(field), nullable });
    columns.push(...columnsOf(field, given));
    for (let items = field.items; items !== undefined; items = items.items)
      columns.push(...columnsOf(items, given));
  }
  return columns;
}
