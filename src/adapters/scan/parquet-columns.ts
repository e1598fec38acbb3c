import type { Column, ColumnType } from '../../domain/column.ts';
import type { ColumnProfile } from '../../domain/table-profile.ts';
import { type TableProblem, tableLimits } from '../../ports/table-reader.ts';
import type { ParquetElement, ParquetFooter, PhysicalType } from './parquet-footer.ts';
import { BadThrift } from './thrift-compact.ts';

interface Node {
  readonly element: ParquetElement;
  readonly children: Node[];
  /** Its number among the leaves. */
  readonly leaf: number;
}

/** The tree that a schema lists parent before children; every node is in it once. */
function treeOf(elements: readonly ParquetElement[]): Node {
  const open: { readonly node: Node; left: number }[] = [];
  let [root, leaf]: [Node | undefined, number] = [undefined, 0];
  for (const element of elements) {
    const isLeaf = element.physical !== undefined;
    const node: Node = { element, children: [], leaf: isLeaf ? leaf++ : -1 };
    if (root === undefined) root = node;
    else {
      const parent = open.at(-1);
      if (parent === undefined) throw new BadThrift('columns that belong to no group');
      parent.node.children.push(node);
      parent.left -= 1;
    }
    if (!isLeaf && element.children > 0) open.push({ node, left: element.children });
    while (open.at(-1)?.left === 0) open.pop();
  }
  if (root === undefined || open.length > 0)
    throw new BadThrift('a group that claims more columns than there are');
  return root;
}

const plainTypes: Readonly<Record<PhysicalType, readonly [ColumnType, string]>> = {
  boolean: ['boolean', 'boolean'],
  int32: ['long', 'int32'],
  int64: ['long', 'int64'],
  int96: ['timestamp', 'int96'],
  float: ['double', 'float'],
  double: ['double', 'double'],
  byte_array: ['bytes', 'binary'],
  fixed_len_byte_array: ['bytes', 'fixed'],
};

function leafType(
  { meaning, length }: ParquetElement,
  physical: PhysicalType,
): readonly [ColumnType, string] {
  if (meaning === undefined) {
    const [type, name] = plainTypes[physical];
    return [type, name === 'fixed' ? `fixed(${length})` : name];
  }
  switch (meaning.kind) {
    case 'string':
    case 'enum':
    case 'json':
    case 'uuid':
      return ['string', meaning.kind];
    case 'null':
    case 'date':
      return [meaning.kind, meaning.kind];
    case 'decimal':
      return ['double', `decimal(${meaning.precision},${meaning.scale})`];
    case 'float16':
      return ['double', 'float16'];
    case 'timestamp':
    case 'time':
      return [meaning.kind, `${meaning.kind}(${meaning.unit}${meaning.utc ? ',utc' : ''})`];
    case 'integer':
      return ['long', `${meaning.signed ? '' : 'u'}int${meaning.bits}`];
    default:
      return ['bytes', meaning.kind];
  }
}

type Kind = 'leaf' | 'list' | 'map' | 'struct';

function kindOf({ element: { physical, meaning } }: Node): Kind {
  if (physical !== undefined) return 'leaf';
  if (meaning?.kind === 'list') return 'list';
  return meaning?.kind === 'map' || meaning?.kind === 'map-entry' ? 'map' : 'struct';
}

/** The items of a list in each of the ways in which lists were ever written. */
function itemsOf(list: Node): Node {
  const [repeated] = list.children;
  if (repeated === undefined || list.children.length > 1)
    throw new BadThrift('a list of other than one kind');
  const { name, physical } = repeated.element;
  const wrapped = physical === undefined && repeated.children.length === 1 && !/^array$|_tuple$/.test(name);
  return wrapped ? repeated.children[0]! : repeated;
}

const nativeDepthMax = 4;

/** Only names within bounds: a list of lists is spelled four levels deep. */
function nativeOf(node: Node, depth = 0): string {
  const kind = kindOf(node);
  if (kind === 'leaf') return leafType(node.element, node.element.physical!)[1];
  return kind === 'list' && depth < nativeDepthMax ? `list<${nativeOf(itemsOf(node), depth + 1)}>` : kind;
}

interface Place {
  readonly path: string;
  readonly depth: number;
  /** Below a list: a row has any number of values, and nulls are no rows. */
  readonly many: boolean;
}

/** Columns of a table as a footer states them, with what it knows of each that has one value a row. Throws `BadThrift`. */
export function columnsOf({ elements, statistics }: ParquetFooter): {
  readonly columns: readonly Column[];
  readonly profiles: readonly ColumnProfile[];
  readonly problems: readonly TableProblem[];
} {
  const columns = new Map<string, Column>();
  const profiles: ColumnProfile[] = [];
  const left = {
    COLUMNS_TOO_MANY: 0,
    COLUMN_NAMES_REPEATED: 0,
    COLUMN_NAMES_TOO_LONG: 0,
    FIELDS_TOO_DEEP: 0,
  };

  function keep(node: Node, name: string, type: ColumnType, nativeType: string): boolean {
    if (columns.has(name)) left.COLUMN_NAMES_REPEATED += 1;
    else if (Buffer.byteLength(name) > tableLimits.nameBytesMax) left.COLUMN_NAMES_TOO_LONG += 1;
    else if (columns.size >= tableLimits.columnsMax) left.COLUMNS_TOO_MANY += 1;
    else {
      columns.set(name, { name, type, nativeType, nullable: node.element.repetition === 'optional' });
      return true;
    }
    return false;
  }

  function fieldAt(node: Node, place: Place): void {
    const { element, leaf } = node;
    if (place.depth > tableLimits.fieldDepthMax) {
      left.FIELDS_TOO_DEEP += 1;
      return;
    }
    const kind = kindOf(node);
    if (element.repetition === 'repeated') {
      if (keep(node, place.path, 'array', `list<${nativeOf(node)}>`))
        within(node, { ...place, path: `${place.path}[]`, many: true });
    } else if (kind === 'leaf') {
      const known = keep(node, place.path, ...leafType(element, element.physical!));
      const profile = place.many || !known ? {} : (statistics[leaf] ?? {});
      if (Object.keys(profile).length > 0) profiles.push({ name: place.path, ...profile });
    } else if (kind === 'list') {
      if (keep(node, place.path, 'array', nativeOf(node)))
        within(itemsOf(node), { ...place, path: `${place.path}[]`, many: true });
    } else if (keep(node, place.path, kind, kind)) within(node, place);
  }

  /** What stands below a column that is there already. */
  function within(node: Node, place: Place): void {
    const kind = kindOf(node);
    if (place.depth > tableLimits.fieldDepthMax) left.FIELDS_TOO_DEEP += 1;
    else if (kind === 'list')
      within(itemsOf(node), { ...place, path: `${place.path}[]`, depth: place.depth + 1 });
    else if (kind === 'struct') fieldsOf(node, place);
  }

  function fieldsOf(node: Node, { path, depth, many }: Place): void {
    for (const child of node.children) {
      const name = child.element.name.toWellFormed();
      fieldAt(child, { path: path === '' ? name : `${path}.${name}`, depth: depth + 1, many });
    }
  }

  fieldsOf(treeOf(elements), { path: '', depth: 0, many: false });
  const problems = Object.entries(left).flatMap(([code, count]) =>
    count === 0 ? [] : [{ code: code as keyof typeof left, count }],
  );
  return { columns: [...columns.values()], profiles, problems };
}
