import { Fault } from '../domain/fault.ts';
import { type AvroField, type AvroSchema, parseAvroSchema } from './avro-schema.ts';
import { canonicalSchemaText } from './json-canonical.ts';

/** What a reader of the type on the left also reads (Avro 1.12, "Schema Resolution"). */
const promotions: Readonly<Partial<Record<AvroSchema['kind'], readonly AvroSchema['kind'][]>>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

/** A place within a schema, and what differs there. */
export interface Difference {
  /** Names of fields, `items` and `values` from the root: `/customer/address`; `/` is the schema itself. */
  readonly at: string;
  readonly what: string;
}

/**
 * Why readers with schema `reader` cannot read what was written with schema `writer`; empty when they can. Both are schemas
 * as parsed JSON. Aliases are not looked at: a renamed field or type counts as another one. AVRO_INVALID for what is no
 * schema.
 */
export function incompatibilities(reader: unknown, writer: unknown): Difference[] {
  const found: Difference[] = [];
  const findings = { found, verdicts: new Map(), branches: new Map() };
  compare(parseAvroSchema(reader), parseAvroSchema(writer), '', findings);
  return found;
}

/**
 * The text by which two registrations of one schema are told to be the same: spaces and the order of keys do not count.
 * SCHEMA_INCOMPATIBLE for text that is no Avro schema.
 */
export function canonicalSchema(subject: string, text: string): string {
  try {
    const json: unknown = JSON.parse(text);
    parseAvroSchema(json);
    return canonicalSchemaText(json);
  } catch (error) {
    throw new Fault('SCHEMA_INCOMPATIBLE', { subject, reason: 'it is no Avro schema' }, error);
  }
}

/** A version of a subject, as it was registered. */
export interface Written {
  readonly version: number;
  readonly schemaText: string;
}

export interface Breaking extends Difference {
  /** Whose records could not be read. */
  readonly version: number;
}

/** More say nothing new. */
const breakingMax = 100;

/**
 * What keeps readers with schema `text` from records of any of these versions, newest first, at most 100 places; empty when
 * they read them all. Records stay for ever, so every version counts. A version that is no Avro schema is passed over: no
 * record of it was ever read. SCHEMA_INCOMPATIBLE where `text` itself is no Avro schema.
 */
export function breakingIn(subject: string, text: string, versions: readonly Written[]): Breaking[] {
  const reader: unknown = JSON.parse(canonicalSchema(subject, text));
  const found: Breaking[] = [];
  for (const { version, schemaText } of [...versions].sort((a, b) => b.version - a.version)) {
    const writer = schemaIn(schemaText);
    if (writer === undefined) continue;
    for (const difference of incompatibilities(reader, writer)) {
      if (found.length === breakingMax) return found;
      found.push({ version, ...difference });
    }
  }
  return found;
}

function schemaIn(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    parseAvroSchema(json);
    return json;
  } catch {
    return undefined; // Whatever it is: of another kind, damaged, beyond our bounds.
  }
}

/** SCHEMA_INCOMPATIBLE, with every place in `breaking`, when readers with schema `text` cannot read one of these versions. */
export function refuseBreaking(subject: string, text: string, versions: readonly Written[]): void {
  const breaking = breakingIn(subject, text, versions);
  if (breaking.length > 0) throw new Fault('SCHEMA_INCOMPATIBLE', { subject, breaking });
}

interface Findings {
  readonly found: Difference[];
  /** Pairs of records looked at once: compatible until found otherwise, so that recursive types end. */
  readonly verdicts: Map<AvroSchema, Map<AvroSchema, boolean>>;
  /** Of each union of the reader, by what `branchName` gives. */
  readonly branches: Map<AvroSchema, Map<string, AvroSchema[]>>;
}

const plain = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
const shown = (schema: AvroSchema): string =>
  'name' in schema ? `${schema.kind} ${schema.name}` : schema.kind;

function compare(reader: AvroSchema, writer: AvroSchema, path: string, findings: Findings): void {
  const { found } = findings;
  const differ = (what: string): void => void found.push({ at: path === '' ? '/' : path, what });
  if (writer.kind === 'union') {
    for (const branch of writer.branches) compare(reader, branch, path, findings);
  } else if (reader.kind === 'union') {
    if (!branchesFor(reader, writer, findings).some((branch) => fits(branch, writer, findings)))
      differ(`no branch for ${shown(writer)}`);
  } else if (reader.kind === 'array' && writer.kind === 'array') {
    compare(reader.items, writer.items, `${path}/items`, findings);
  } else if (reader.kind === 'map' && writer.kind === 'map') {
    compare(reader.values, writer.values, `${path}/values`, findings);
  } else if ('name' in reader && 'name' in writer && plain(reader.name) === plain(writer.name)) {
    compareNamed(reader, writer, path, findings, differ);
  } else if ('name' in reader || reader.kind !== writer.kind) {
    if (!promotions[reader.kind]?.includes(writer.kind)) differ(`${shown(writer)} became ${shown(reader)}`);
  }
}

const branchName = (schema: AvroSchema): string => ('name' in schema ? plain(schema.name) : '');

/** Branches that may fit: a type with a name is read by one of its name alone, others by those without. */
function branchesFor(
  union: Extract<AvroSchema, { readonly kind: 'union' }>,
  writer: AvroSchema,
  { branches }: Findings,
): readonly AvroSchema[] {
  const byName = branches.get(union) ?? Map.groupBy(union.branches, branchName);
  branches.set(union, byName);
  return byName.get(branchName(writer)) ?? [];
}

/** Branches are tried apart: one that does not fit leaves no finding. */
function fits(reader: AvroSchema, writer: AvroSchema, { verdicts, branches }: Findings): boolean {
  const found: Difference[] = [];
  compare(reader, writer, '', { found, verdicts, branches });
  return found.length === 0;
}

type Named = Extract<AvroSchema, { readonly name: string }>;

function compareNamed(
  reader: Named,
  writer: Named,
  path: string,
  findings: Findings,
  differ: (what: string) => void,
): void {
  if (reader.kind === 'enum' && writer.kind === 'enum') {
    const read = new Set(reader.symbols);
    const lost = writer.symbols.filter((symbol) => !read.has(symbol));
    if (lost.length > 0 && !reader.hasDefault) differ(`without the symbols ${lost.join(', ')}`);
  } else if (reader.kind === 'fixed' && writer.kind === 'fixed') {
    if (reader.size !== writer.size) differ(`${writer.size} bytes became ${reader.size}`);
  } else if (reader.kind === 'record' && writer.kind === 'record') {
    const verdicts = findings.verdicts.get(reader) ?? new Map<AvroSchema, boolean>();
    findings.verdicts.set(reader, verdicts);
    if (verdicts.get(writer) === false) differ(`${shown(reader)} differs, as told for another place`);
    if (verdicts.has(writer)) return;
    verdicts.set(writer, true);
    const before = findings.found.length;
    compareFields(reader.fields, writer.fields, path, findings);
    verdicts.set(writer, findings.found.length === before);
  } else {
    differ(`${shown(writer)} became ${shown(reader)}`);
  }
}

function compareFields(
  reader: readonly AvroField[],
  writer: readonly AvroField[],
  path: string,
  findings: Findings,
): void {
  const before = new Map(writer.map(({ name, schema }) => [name, schema]));
  for (const { name, schema, hasDefault } of reader) {
    const old = before.get(name);
    if (old !== undefined) compare(schema, old, `${path}/${name}`, findings);
    else if (!hasDefault) findings.found.push({ at: `${path}/${name}`, what: 'added without a default' });
  }
}
