import type { JsonValue } from '../../src/client/change.ts';
import type { Catalog, CatalogColumn, CatalogKey, CatalogTable } from './catalog.ts';

const platform = 'urn:li:dataPlatform:postgres';
const textMax = 10_000;
/** Leaves room for the rest of the value within the 768 KiB of an event. */
const fieldsBytesMax = 600 * 1024;
const definitionMax = 64 * 1024;

/** A name as it may stand in a URN: what URNs are made of is written as in an address. */
const part = (name: string): string =>
  name.normalize('NFC').replace(/[%(),\p{Cc}]/gu, (one) => encodeURIComponent(one).replace(/[(),]/g, hex));
const hex = (one: string): string => `%${one.charCodeAt(0).toString(16).toUpperCase()}`;

export const datasetUrn = (
  database: string,
  { schema, name }: Pick<CatalogTable, 'schema' | 'name'>,
): string => `urn:li:dataset:(${platform},${part(database)}.${part(schema)}.${part(name)},PROD)`;

const fieldUrn = (dataset: string, column: string): string =>
  `urn:li:schemaField:(${dataset},${part(column)})`;

const kinds: Readonly<Record<CatalogTable['kind'], string>> = {
  r: 'Table',
  p: 'Partitioned Table',
  v: 'View',
  m: 'Materialized View',
  f: 'Foreign Table',
};

/** By `typcategory` (PostgreSQL's documentation, table 52.65). */
const fieldTypes: Readonly<Record<string, string>> = {
  A: 'ArrayType',
  B: 'BooleanType',
  C: 'RecordType',
  D: 'DateType',
  E: 'EnumType',
  N: 'NumberType',
  S: 'StringType',
  T: 'TimeType',
  V: 'BytesType',
};

function fieldType({ category, type }: CatalogColumn): string {
  if (type === 'bytea') return 'BytesType';
  if (category === 'D' && /^time/.test(type)) return 'TimeType';
  return fieldTypes[category] ?? 'StringType';
}

const short = (text: string): string => text.slice(0, textMax).toWellFormed();

/**
 * What a catalog says, as aspects by URN: properties, columns with keys and comments, kind, and of views what they are made from.
 * The same catalog always gives the same values. Pure.
 */
export function foundIn(catalog: Catalog): Map<string, Map<string, JsonValue>> {
  const { database, tables } = catalog;
  const byTable = <T>(rows: readonly T[], tableOf: (row: T) => number): Map<number, T[]> =>
    Map.groupBy(rows, tableOf);
  const columns = byTable(catalog.columns, ({ table }) => table);
  const keys = byTable(catalog.keys, ({ table }) => table);
  const reads = byTable(catalog.reads, ({ view }) => view);
  const known = new Map(tables.map((table) => [table.oid, table]));
  const columnName = (table: number, number: number): string =>
    columns.get(table)?.find((column) => column.number === number)?.name ?? String(number);
  const columnUrn = (table: number, number: number): string =>
    fieldUrn(datasetUrn(database, known.get(table)!), columnName(table, number));

  /** Columns that a view reads, and the tables they are of. What is no table of this catalog is left out. */
  function lineage(table: CatalogTable): JsonValue | undefined {
    const from = (reads.get(table.oid) ?? []).filter((read) => known.has(read.from));
    if (from.length === 0) return undefined;
    const upstreams = [...new Set(from.map((read) => datasetUrn(database, known.get(read.from)!)))].sort();
    const read = from.filter(({ column }) => column > 0).map(({ from: of, column }) => columnUrn(of, column));
    const made = (columns.get(table.oid) ?? []).map(({ number }) => columnUrn(table.oid, number));
    return {
      upstreams: upstreams.map((dataset) => ({ dataset, type: 'VIEW' })),
      fineGrainedLineages: [
        {
          ...{ upstreamType: 'FIELD_SET', upstreams: [...new Set(read)].sort() },
          ...{ downstreamType: 'FIELD_SET', downstreams: made },
          transformOperation: 'the catalog tells which columns a view reads, not which becomes which',
          confidenceScore: 0.5,
        },
      ],
    };
  }

  const foreignKey = ({ name, table, columns: own, target, targetColumns }: CatalogKey): JsonValue => ({
    name,
    sourceFields: own.map((number) => columnUrn(table, number)),
    foreignFields: targetColumns.map((number) => columnUrn(target, number)),
    foreignDataset: datasetUrn(database, known.get(target)!),
  });

  function schemaOf(table: CatalogTable): JsonValue {
    const own = keys.get(table.oid) ?? [];
    const primary = own.find(({ kind }) => kind === 'p')?.columns ?? [];
    const foreign = own.filter(({ kind, target }) => kind === 'f' && known.has(target));
    return {
      ...{ schemaName: `${table.schema}.${table.name}`, platform, version: 0, hash: '' },
      platformSchema: {
        'com.linkedin.schema.OtherSchema': { rawSchema: (table.definition ?? '').slice(0, definitionMax) },
      },
      fields: fieldsOf(columns.get(table.oid) ?? [], primary),
      ...(primary.length === 0
        ? {}
        : { primaryKeys: primary.map((number) => columnName(table.oid, number)) }),
      ...(foreign.length === 0 ? {} : { foreignKeys: foreign.map(foreignKey) }),
    };
  }

  return new Map(
    tables.map((table) => {
      const aspects = new Map<string, JsonValue>([
        ['datasetProperties', propertiesOf(database, table)],
        ['schemaMetadata', schemaOf(table)],
        ['subTypes', { typeNames: [kinds[table.kind]] }],
      ]);
      const made = lineage(table);
      if (made !== undefined) aspects.set('upstreamLineage', made);
      return [datasetUrn(database, table), aspects];
    }),
  );
}

const propertiesOf = (database: string, { schema, name, comment }: CatalogTable): JsonValue => ({
  name,
  qualifiedName: `${database}.${schema}.${name}`,
  ...(comment === null ? {} : { description: short(comment) }),
});

/** As many as an event can carry, in the order of the table. */
function fieldsOf(columns: readonly CatalogColumn[], primary: readonly number[]): readonly JsonValue[] {
  const fields: JsonValue[] = [];
  let bytes = 0;
  for (const column of columns) {
    const field = {
      ...{
        fieldPath: column.name,
        nullable: !column.required,
        nativeDataType: column.type,
        recursive: false,
      },
      type: { type: { [`com.linkedin.schema.${fieldType(column)}`]: {} } },
      isPartOfKey: primary.includes(column.number),
      ...(column.partitioning ? { isPartitioningKey: true } : {}),
      ...(column.comment === null ? {} : { description: short(column.comment) }),
    };
    bytes += Buffer.byteLength(JSON.stringify(field)) + 1;
    if (bytes > fieldsBytesMax) break;
    fields.push(field);
  }
  return fields;
}
