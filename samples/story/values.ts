import { hash } from 'node:crypto';
import { person } from './authors.ts';
import type { Dataset, Platform, Strand } from './datasets.ts';
import type { Value } from './scribe.ts';
import type { Column, ColumnType } from './tables.ts';

const typeNames: Readonly<Record<ColumnType, string>> = {
  text: 'StringType',
  int: 'NumberType',
  num: 'NumberType',
  float: 'NumberType',
  bool: 'BooleanType',
  date: 'DateType',
  time: 'TimeType',
  list: 'ArrayType',
  obj: 'RecordType',
};

const nativeTypes: Readonly<Record<Platform, Readonly<Record<ColumnType, string>>>> = {
  postgres: natives('text bigint numeric(12,2) double boolean date timestamptz jsonb jsonb'),
  kafka: natives('string long decimal double boolean date timestamp-millis array record'),
  hive: natives('string bigint decimal(12,2) double boolean date timestamp array<string> struct'),
  'delta-lake': natives('string long decimal(12,2) double boolean date timestamp array<string> struct'),
  file: natives('string long double double boolean date timestamp array object'),
  looker: natives('string number number number yesno date time list list'),
};

function natives(words: string): Readonly<Record<ColumnType, string>> {
  const [text, int, num, float, bool, date, time, list, obj] = words.split(' ') as [
    ...[string, string, string, string, string],
    ...[string, string, string, string],
  ];
  return { text, int, num, float, bool, date, time, list, obj };
}

export const stamp = (time: number, actor: string): Value => ({ time, actor });
export const present: Value = { removed: false };
export const tagUrn = (name: string): string => `urn:li:tag:${name}`;
export const termUrn = (name: string): string => `urn:li:glossaryTerm:${name}`;
export const domainUrn = (name: string): string => `urn:li:domain:${name}`;
export const platformUrn = (platform: string): string => `urn:li:dataPlatform:${platform}`;
export const fieldUrn = (dataset: string, column: string): string =>
  `urn:li:schemaField:(${dataset},${column})`;

export const tagsValue = (...names: readonly string[]): Value => ({
  tags: names.map((name) => ({ tag: tagUrn(name) })),
});
export const termsValue = (time: number, actor: string, ...names: readonly string[]): Value => ({
  terms: names.map((name) => ({ urn: termUrn(name) })),
  auditStamp: stamp(time, actor),
});
export const domainsValue = (...names: readonly string[]): Value => ({ domains: names.map(domainUrn) });

/** Owners by role: the first answers for the technology, the second for the business. */
export const ownershipValue = (time: number, by: string, technical: string, business: string): Value => ({
  owners: [
    { owner: technical, type: 'TECHNICAL_OWNER' },
    { owner: business, type: 'BUSINESS_OWNER' },
  ],
  lastModified: stamp(time, by),
});

export function fieldValue(platform: Platform, column: Column, text = column.text): Value {
  return {
    fieldPath: column.name,
    nullable: !column.isKey,
    ...(text === '' ? {} : { description: text }),
    type: { type: { [`com.linkedin.schema.${typeNames[column.type]}`]: {} } },
    nativeDataType: nativeTypes[platform][column.type],
    recursive: false,
    isPartOfKey: column.isKey,
  };
}

/** schemaMetadata of these fields; `version` counts the changes. */
export const schemaValue = (of: Dataset, version: number, fields: readonly Value[]): Value => ({
  schemaName: of.name,
  platform: platformUrn(of.platform),
  version,
  hash: hash('sha256', JSON.stringify(fields), 'hex').slice(0, 12),
  platformSchema: { 'com.linkedin.schema.OtherSchema': { rawSchema: '' } },
  fields,
});

/** The schema with other fields and the next version. */
export const changedSchema = (of: Dataset, before: Value, fields: readonly Value[]): Value =>
  schemaValue(of, (before.version as number) + 1, fields);

export const fieldsIn = (schema: Value): readonly Value[] => schema.fields as readonly Value[];

const descriptions: Readonly<Record<Platform, (name: string, text: string) => string>> = {
  postgres: (_, text) => text,
  kafka: (name, text) => `Every change of ${name} as it happens. ${text}`,
  hive: (name, text) => `Raw copy of ${name}, loaded every night. ${text}`,
  'delta-lake': (_, text) => `${text} Types are checked and repeated rows are gone.`,
  file: (_, text) => text,
  looker: (_, text) => text,
};
const computed = new Set(['finance', 'weather']);

export function propertiesValue(
  { platform, name, table }: Dataset,
  facts: Readonly<Record<string, string>>,
): Value {
  const [product = ''] = name.split('.');
  const describe = computed.has(product) ? descriptions.file : descriptions[platform];
  return {
    name: name.slice(name.lastIndexOf('.') + 1),
    qualifiedName: name,
    description: describe(table.name, table.text),
    customProperties: facts,
  };
}

export interface LineageChange {
  readonly time: number;
  readonly actor?: string;
  /** What happens between the columns, by the name of the column that is made. */
  readonly operations?: Readonly<Record<string, string>>;
}

/** upstreamLineage of strands: each table once, then column by column. */
export function lineageValue(to: Dataset, strands: readonly Strand[], change: LineageChange): Value {
  const { time, actor = person('svc-lakehouse-reader'), operations = {} } = change;
  const upstreams = new Set(strands.flatMap(({ from }) => from.map(({ dataset }) => dataset.urn)));
  const isCopy = strands.every(
    ({ from: [first], to: { name } }) =>
      first!.dataset.table.name === to.table.name && first!.column === name,
  );
  return {
    upstreams: [...upstreams].map((dataset) => ({
      auditStamp: stamp(time, actor),
      dataset,
      type: isCopy ? 'COPY' : 'TRANSFORMED',
    })),
    fineGrainedLineages: strands.map((strand) => ({
      upstreamType: 'FIELD_SET',
      upstreams: strand.from.map(({ dataset, column }) => fieldUrn(dataset.urn, column)),
      downstreamType: 'FIELD',
      downstreams: [fieldUrn(to.urn, strand.to.name)],
      ...(operations[strand.to.name] === undefined ? {} : { transformOperation: operations[strand.to.name] }),
      confidenceScore: 1,
    })),
  };
}
