import { type Column, type ColumnType, widen } from '../../domain/column.ts';
import { type TableProblem, tableLimits } from '../../ports/table-reader.ts';

type Json = Readonly<Record<string, unknown>>;

const primitives: Readonly<Record<string, ColumnType>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'long',
  long: 'long',
  float: 'double',
  double: 'double',
  bytes: 'bytes',
  string: 'string',
};

const logicalTypes: Readonly<Record<string, ColumnType>> = {
  date: 'date',
  decimal: 'double',
  'big-decimal': 'double',
  uuid: 'string',
  'time-millis': 'time',
  'time-micros': 'time',
  'timestamp-millis': 'timestamp',
  'timestamp-micros': 'timestamp',
  'timestamp-nanos': 'timestamp',
  'local-timestamp-millis': 'timestamp',
  'local-timestamp-micros': 'timestamp',
  'local-timestamp-nanos': 'timestamp',
};

/** One type of a schema, references followed. */
interface Meant {
  readonly type: ColumnType;
  readonly nativeType: string;
  readonly nullable: boolean;
  /** Of an array. */
  readonly items?: unknown;
  /** Of a record; left out where the record stands within itself. */
  readonly fields?: readonly unknown[];
  readonly namespace: string;
  readonly within: readonly string[];
}

interface Scope {
  readonly namespace: string;
  /** Full names of the records around. */
  readonly within: readonly string[];
}

const isObject = (node: unknown): node is Json =>
  typeof node === 'object' && node !== null && !Array.isArray(node);
const textOf = (node: unknown): string => (typeof node === 'string' ? node.toWellFormed() : '');
const digitsOf = (node: unknown): number => (typeof node === 'number' ? node : 0);
/** A record that is named again and again has as many fields each time: of more than these the rest is left out. */
const fieldsSeenMax = 100_000;

function fullName(node: Json, namespace: string): string {
  const name = textOf(node.name);
  if (name.includes('.')) return name;
  const own = typeof node.namespace === 'string' ? node.namespace : namespace;
  return own === '' ? name : `${own}.${name}`;
}

/** Columns that an Avro schema states; `schema` was found to be one. Paths as JSON has them; recursion ends at its start. */
export function avroColumns(schema: unknown): {
  readonly columns: readonly Column[];
  readonly problems: readonly TableProblem[];
} {
  const named = new Map<string, { readonly node: Json; readonly namespace: string }>();
  const columns = new Map<string, Column>();
  const left = { COLUMNS_TOO_MANY: 0, COLUMN_NAMES_TOO_LONG: 0, FIELDS_TOO_DEEP: 0 };
  let fieldsSeen = 0;

  function meant(node: unknown, scope: Scope): Meant {
    if (typeof node === 'string') {
      const primitive = Object.hasOwn(primitives, node) ? primitives[node] : undefined;
      if (primitive !== undefined)
        return { type: primitive, nativeType: node, nullable: node === 'null', ...scope };
      const name = node.includes('.') || scope.namespace === '' ? node : `${scope.namespace}.${node}`;
      const found = named.get(name) ?? named.get(node);
      if (found === undefined || scope.within.includes(name))
        return { type: 'struct', nativeType: node, nullable: false, ...scope };
      return meant(found.node, { ...scope, namespace: found.namespace });
    }
    if (Array.isArray(node)) return union(node, scope);
    return isObject(node)
      ? complex(node, scope)
      : { type: 'null', nativeType: 'null', nullable: true, ...scope };
  }

  function union(branches: readonly unknown[], scope: Scope): Meant {
    const all = branches.map((branch) => meant(branch, scope));
    const some = all.filter(({ type }) => type !== 'null');
    const nullable = some.length < all.length;
    if (some.length === 1) return { ...some[0]!, nullable };
    const type = some.map((branch) => branch.type).reduce(widen, 'null' as ColumnType);
    const nativeType = `union<${some.map((branch) => branch.nativeType).join(',')}>`;
    return { type, nativeType, nullable, ...scope };
  }

  function complex(node: Json, scope: Scope): Meant {
    const { type } = node;
    if (type === 'array')
      return { type: 'array', nativeType: 'array', nullable: false, items: node.items, ...scope };
    if (type === 'map') return { type: 'map', nativeType: 'map', nullable: false, ...scope };
    if (type !== 'record' && type !== 'error' && type !== 'enum' && type !== 'fixed') {
      const plain = meant(type, scope);
      return logical(node, plain);
    }
    const name = fullName(node, scope.namespace);
    const dot = name.lastIndexOf('.');
    const namespace = dot === -1 ? '' : name.slice(0, dot);
    named.set(name, { node, namespace: scope.namespace });
    if (type === 'enum') return { type: 'string', nativeType: 'enum', nullable: false, ...scope };
    if (type === 'fixed')
      return logical(node, { type: 'bytes', nativeType: `fixed(${node.size})`, nullable: false, ...scope });
    const fields = Array.isArray(node.fields) ? node.fields : [];
    const within = [...scope.within, name];
    return { type: 'struct', nativeType: 'record', nullable: false, fields, namespace, within };
  }

  function logical(node: Json, plain: Meant): Meant {
    const name = textOf(node.logicalType);
    if (!Object.hasOwn(logicalTypes, name)) return plain;
    const nativeType =
      name === 'decimal' ? `decimal(${digitsOf(node.precision)},${digitsOf(node.scale)})` : name;
    return { ...plain, type: logicalTypes[name]!, nativeType };
  }

  function keep(name: string, { type, nativeType, nullable }: Meant): boolean {
    if (columns.has(name)) return false;
    if (Buffer.byteLength(name) > tableLimits.nameBytesMax) left.COLUMN_NAMES_TOO_LONG += 1;
    else if (columns.size >= tableLimits.columnsMax) left.COLUMNS_TOO_MANY += 1;
    else {
      const shown = nativeType.slice(0, tableLimits.nameBytesMax).toWellFormed();
      columns.set(name, { name, type, nativeType: shown, nullable });
      return true;
    }
    return false;
  }

  /** What stands below a column: fields of a record, of the records of an array. */
  function below(found: Meant, path: string, depth: number): void {
    const inner = { namespace: found.namespace, within: found.within };
    if (depth > tableLimits.fieldDepthMax) left.FIELDS_TOO_DEEP += 1;
    else if (found.type === 'array') below(meant(found.items, inner), `${path}[]`, depth + 1);
    else
      for (const field of found.fields ?? []) {
        if (!isObject(field)) continue;
        fieldsSeen += 1;
        if (fieldsSeen > fieldsSeenMax) {
          left.COLUMNS_TOO_MANY += 1;
          return;
        }
        const own = textOf(field.name);
        const [name, of] = [path === '' ? own : `${path}.${own}`, meant(field.type, inner)];
        if (keep(name, of)) below(of, name, depth + 1);
      }
  }

  const root = meant(schema, { namespace: '', within: [] });
  if (root.fields === undefined) {
    keep('value', root);
    below(root, 'value', 1);
  } else below(root, '', 0);
  const problems = Object.entries(left).flatMap(([code, count]) =>
    count === 0 ? [] : [{ code: code as keyof typeof left, count }],
  );
  return { columns: [...columns.values()], problems };
}
