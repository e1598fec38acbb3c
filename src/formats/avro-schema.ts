import { Fault } from '../domain/fault.ts';
import { AvroReader } from './avro-bytes.ts';

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
type Primitive = (typeof primitives)[number];

/** A schema with its references resolved: recursive types make it a cyclic graph. */
export type AvroSchema =
  | { readonly kind: Primitive }
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly symbols: readonly string[];
      readonly hasDefault: boolean;
    }
  | { readonly kind: 'array'; readonly items: AvroSchema }
  | { readonly kind: 'map'; readonly values: AvroSchema }
  | { readonly kind: 'union'; readonly branches: readonly AvroSchema[] }
  | { readonly kind: 'record'; readonly name: string; readonly fields: readonly AvroField[] };

export interface AvroField {
  readonly name: string;
  readonly schema: AvroSchema;
  /** Whether readers can do without it in the bytes. */
  readonly hasDefault: boolean;
}

/**
 * A decoded value. Maps and records are both a `Map`, which no key can corrupt (`__proto__` is a legal key
 * and a legal field name); a union's value stands without its branch, an enum's as its symbol, bytes and
 * fixed as views into the input. Logical types are not interpreted.
 */
export type AvroValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly AvroValue[]
  | ReadonlyMap<string, AvroValue>;

const schemaDepthMax = 64;
const schemaNodesMax = 10_000;
const nameCharsMax = 512;
const fixedBytesMax = 16 * 1024 * 1024;

const invalid = (reason: string): Fault => new Fault('AVRO_INVALID', { reason: `schema: ${reason}` });
const isPrimitive = (name: string): name is Primitive => primitives.some((primitive) => primitive === name);

/**
 * Reads an Avro schema (1.12) from parsed JSON: all types, namespaces, references, recursion. Docs, values
 * of defaults, aliases, orders and logical types are left out, for they do not change how bytes are read.
 * AVRO_INVALID for what is no schema, 64 levels or 10,000 nodes exceeded.
 */
export const parseAvroSchema = (json: unknown): AvroSchema =>
  parse({ named: new Map(), nodes: 0 }, json, '', 0);

/** What one schema has named and counted so far. */
interface Scope {
  readonly named: Map<string, AvroSchema>;
  nodes: number;
}

function parse(scope: Scope, node: unknown, namespace: string, depth: number): AvroSchema {
  scope.nodes += 1;
  if (depth > schemaDepthMax || scope.nodes > schemaNodesMax) throw invalid('too deep or too large');
  if (typeof node === 'string') return reference(scope, node, namespace);
  if (Array.isArray(node)) return union(scope, node, namespace, depth);
  const object = membersOf(node);
  const type = object.get('type');
  if (type === 'array')
    return { kind: 'array', items: parse(scope, object.get('items'), namespace, depth + 1) };
  if (type === 'map')
    return { kind: 'map', values: parse(scope, object.get('values'), namespace, depth + 1) };
  if (type === 'record' || type === 'error' || type === 'enum' || type === 'fixed') {
    return definition(scope, object, namespace, depth);
  }
  return parse(scope, type, namespace, depth + 1);
}

function reference(scope: Scope, name: string, namespace: string): AvroSchema {
  if (isPrimitive(name)) return { kind: name };
  const known = scope.named.get(name.includes('.') || namespace === '' ? name : `${namespace}.${name}`);
  if (known === undefined) throw invalid(`unknown type ${shown(name)}`);
  return known;
}

function union(scope: Scope, node: readonly unknown[], namespace: string, depth: number): AvroSchema {
  const branches = node.map((branch) => parse(scope, branch, namespace, depth + 1));
  const names = branches.map((branch) => ('name' in branch ? branch.name : branch.kind));
  if (branches.length === 0 || names.includes('union') || new Set(names).size < names.length) {
    throw invalid('a union that is empty, holds a union or a type twice');
  }
  return { kind: 'union', branches };
}

function definition(scope: Scope, node: Members, namespace: string, depth: number): AvroSchema {
  const kind = node.get('type');
  const name = fullName(node, namespace);
  if (scope.named.has(name) || isPrimitive(name)) throw invalid(`${shown(name)} is defined twice`);
  const define = (schema: AvroSchema): AvroSchema => {
    scope.named.set(name, schema);
    return schema;
  };
  if (kind === 'fixed') return define({ kind, name, size: sizeOf(node.get('size')) });
  if (kind === 'enum') {
    const symbols = distinct(listOf(node, 'symbols'), name);
    return define({ kind, name, symbols, hasDefault: node.has('default') });
  }
  const fields: AvroField[] = [];
  const record = define({ kind: 'record', name, fields });
  const inner = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '';
  for (const field of listOf(node, 'fields').map(membersOf)) {
    const schema = parse(scope, field.get('type'), inner, depth + 1);
    fields.push({ name: nameOf(field), schema, hasDefault: field.has('default') });
  }
  distinct(
    fields.map((field) => field.name),
    name,
  );
  return record;
}

type Members = ReadonlyMap<string, unknown>;

function membersOf(node: unknown): Members {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) throw invalid('a type is no schema');
  return new Map(Object.entries(node));
}

const shown = (name: string): string => JSON.stringify(name.slice(0, nameCharsMax));

function nameOf(node: Members): string {
  const name = node.get('name');
  if (typeof name !== 'string' || name === '' || name.length > nameCharsMax)
    throw invalid('a name is missing');
  return name;
}

/** A dotted name is full; else the type's own namespace counts, else the one around it. */
function fullName(node: Members, around: string): string {
  const name = nameOf(node);
  const namespace = node.get('namespace') ?? around;
  if (typeof namespace !== 'string' || namespace.length > nameCharsMax)
    throw invalid('a namespace is no name');
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function listOf(node: Members, key: string): readonly unknown[] {
  const list = node.get(key);
  if (!Array.isArray(list) || list.length > schemaNodesMax) throw invalid(`${key} is no list, or too long`);
  return list;
}

function distinct(names: readonly unknown[], of: string): string[] {
  const texts = names.filter((name) => typeof name === 'string');
  if (texts.length < names.length || new Set(texts).size < names.length) {
    throw invalid(`a name in ${shown(of)} is missing or given twice`);
  }
  return texts;
}

function sizeOf(size: unknown): number {
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > fixedBytesMax) {
    throw invalid('a fixed without a size up to 16 MiB');
  }
  return size;
}

export interface DecodeLimits {
  /** Values of any kind, all levels together; 100,000 by default. */
  readonly itemsMax?: number;
  /** Values inside each other; 64 by default. */
  readonly depthMax?: number;
  /**
   * Whether a value of a union of several types besides null stands as a Map of one member, named after its type, as JSON of
   * Avro has it. Without it a union's value stands alone.
   */
  readonly unionsNamed?: boolean;
}

/**
 * Decodes exactly one value of `schema` from untrusted bytes. AVRO_INVALID for anything else, for bytes
 * left over, a map key given twice, a long beyond ±(2^53−1), and where a limit is met. What is allocated is
 * bounded by the limits and the length of `bytes`: a block's count is compared with what may still come
 * before any of it is read.
 */
export function decodeAvro(schema: AvroSchema, bytes: Uint8Array, limits: DecodeLimits = {}): AvroValue {
  const decoder = new Decoder(bytes, limits);
  const value = decoder.value(schema, 0);
  decoder.reader.finish();
  return value;
}

class Decoder {
  readonly reader: AvroReader;
  private readonly depthMax: number;
  private readonly unionsNamed: boolean;
  private itemsLeft: number;

  constructor(bytes: Uint8Array, { itemsMax = 100_000, depthMax = 64, unionsNamed = false }: DecodeLimits) {
    this.reader = new AvroReader(bytes);
    this.itemsLeft = itemsMax;
    this.depthMax = depthMax;
    this.unionsNamed = unionsNamed;
  }

  value(schema: AvroSchema, depth: number): AvroValue {
    const { reader } = this;
    this.itemsLeft -= 1;
    if (this.itemsLeft < 0) throw reader.invalid('more values than allowed');
    if (depth > this.depthMax) throw reader.invalid('nested deeper than allowed');
    switch (schema.kind) {
      case 'null':
        return null;
      case 'bytes':
        return reader.view();
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'string':
        return reader[schema.kind]();
      case 'fixed': {
        const start = reader.take(schema.size);
        return reader.bytes.subarray(start, start + schema.size);
      }
      case 'enum':
        return schema.symbols[reader.index(schema.symbols.length)]!;
      case 'union':
        return this.union(schema.branches, depth + 1);
      case 'array':
        return this.array(schema.items, depth + 1);
      case 'map':
        return this.map(schema.values, depth + 1);
      case 'record':
        return new Map(schema.fields.map(({ name, schema: field }) => [name, this.value(field, depth + 1)]));
    }
  }

  private union(branches: readonly AvroSchema[], depth: number): AvroValue {
    const branch = branches[this.reader.index(branches.length)]!;
    const value = this.value(branch, depth);
    if (!this.unionsNamed || branch.kind === 'null') return value;
    const several = branches.filter(({ kind }) => kind !== 'null').length > 1;
    return several ? new Map([['name' in branch ? branch.name : branch.kind, value]]) : value;
  }

  private array(items: AvroSchema, depth: number): AvroValue[] {
    const values: AvroValue[] = [];
    this.blocks(() => values.push(this.value(items, depth)));
    return values;
  }

  private map(schema: AvroSchema, depth: number): Map<string, AvroValue> {
    const entries = new Map<string, AvroValue>();
    this.blocks(() => {
      const start = this.reader.at;
      const key = this.reader.string();
      if (entries.has(key)) throw this.reader.invalid('map key given twice', start);
      entries.set(key, this.value(schema, depth));
    });
    return entries;
  }

  /**
   * Items of an array or map may take no bytes at all, so their count is bounded by the items left instead.
   */
  private blocks(readItem: () => void): void {
    const { reader } = this;
    for (;;) {
      const { count, end } = reader.blockCount();
      if (count === 0) return;
      if (count > this.itemsLeft) throw reader.invalid('more values than allowed');
      for (let i = 0; i < count; i++) readItem();
      if (end !== undefined && reader.at !== end) throw reader.invalid('block size does not match its items');
    }
  }
}
