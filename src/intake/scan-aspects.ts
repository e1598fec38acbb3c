import { hash } from 'node:crypto';
import type { Column, ColumnType } from '../domain/column.ts';
import { canonicalJson } from '../formats/json-canonical.ts';
import type { TableProblem } from '../ports/table-reader.ts';
import type { AspectValue, FoundEntity, FoundRefusal, FoundState, FoundTable } from './scan-found.ts';
import { containerUrn, nameOf } from './scan-names.ts';

const platform = 'urn:li:dataPlatform:file';
const present: AspectValue = { removed: false };
/** Leaves room for the rest of the value within the 768 KiB of an event. */
const fieldsBytesMax = 700 * 1024;

const fieldTypes: Readonly<Record<ColumnType, string>> = {
  null: 'NullType',
  boolean: 'BooleanType',
  long: 'NumberType',
  double: 'NumberType',
  date: 'DateType',
  timestamp: 'TimeType',
  time: 'TimeType',
  string: 'StringType',
  bytes: 'BytesType',
  map: 'MapType',
  array: 'ArrayType',
  struct: 'RecordType',
};

const schemaField = ({ name, type, nativeType, nullable, partitioning }: Column): AspectValue => ({
  fieldPath: name,
  nullable,
  type: { type: { [`com.linkedin.schema.${fieldTypes[type]}`]: {} } },
  nativeDataType: nativeType,
  recursive: false,
  isPartOfKey: false,
  ...(partitioning === true ? { isPartitioningKey: true } : {}),
});

/** As many fields as an event can carry, in order. */
function schemaFields(columns: readonly Column[]): readonly AspectValue[] {
  const fields: AspectValue[] = [];
  let bytes = 0;
  for (const column of columns) {
    const field = schemaField(column);
    bytes += Buffer.byteLength(JSON.stringify(field)) + 1;
    if (bytes > fieldsBytesMax) break;
    fields.push(field);
  }
  return fields;
}

const propertiesOf = (table: FoundTable): AspectValue => ({
  name: table.title,
  qualifiedName: table.name,
  customProperties: {
    path: table.path,
    format: table.format,
    files: String(table.files),
    bytes: String(table.bytes),
    ...(table.rowsSampled === undefined
      ? {}
      : { rowsSampled: String(table.rowsSampled), readWhole: String(table.whole) }),
    ...Object.fromEntries(table.dialect),
  },
});

/** DataHub's profile: what the files state, at the time of the scan. Columns as many as an event can carry. */
function profileOf({ columns, bytes, profile }: FoundTable, seenAtMs: number): AspectValue {
  const fields: AspectValue[] = [];
  let fieldBytes = 0;
  for (const { name, nulls, min, max } of profile?.columns ?? []) {
    const field = {
      fieldPath: name,
      ...(isTold(nulls) ? { nullCount: nulls } : {}),
      ...(min === undefined || max === undefined ? {} : { min, max }),
    };
    fieldBytes += Buffer.byteLength(JSON.stringify(field)) + 1;
    if (fieldBytes > fieldsBytesMax) break;
    fields.push(field);
  }
  const size = profile?.bytes ?? bytes;
  return {
    timestampMillis: seenAtMs,
    ...(isTold(profile?.rows) ? { rowCount: profile.rows } : {}),
    columnCount: columns.length,
    ...(isTold(size) ? { sizeInBytes: size } : {}),
    ...(fields.length === 0 ? {} : { fieldProfiles: fields }),
  };
}

/** Sums of what files claim may be beyond what a JSON number holds: then they are not told. */
const isTold = (count: number | undefined): count is number => Number.isSafeInteger(count);

const failuresToldMax = 20;
const reasonCharsMax = 500;

/** The aspect `fileState`, in the order of paths whatever the order of `failures`. */
export function fileState(state: 'partly' | 'unread', failures: readonly FoundRefusal[]): AspectValue {
  const inOrder = [...failures].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    state,
    failed: failures.length,
    failures: inOrder.slice(0, failuresToldMax).map(({ path, code, reason }) => ({
      ...{ path: path.toWellFormed(), code },
      reason: reason.slice(0, reasonCharsMax).toWellFormed(),
    })),
  };
}

/** What is said of an entity of which nothing could be read. */
export const unreadState = (urn: string, path: string, failures: readonly FoundRefusal[]): FoundState => ({
  ...{ kind: 'state', urn, path },
  aspects: new Map([
    ['status', present],
    ['fileState', fileState('unread', failures)],
  ]),
});

export interface TableFacts {
  readonly problems: readonly TableProblem[];
  /** Parts that could not be read. */
  readonly failures: readonly FoundRefusal[];
  /** UTC milliseconds of the scan, for the profile; undefined = no profile. */
  readonly seenAtMs: number | undefined;
}

/**
 * The aspects of a table in DataHub's shapes: datasetProperties, schemaMetadata, status, below the first level container,
 * and datasetProfile. Nothing but the profile's own time depends on time: the same bytes in the same place give the same
 * values. `hash` is the SHA-256 of the canonical JSON of `fields`.
 */
export function tableEntity(table: FoundTable, { problems, failures, seenAtMs }: TableFacts): FoundEntity {
  const fields = schemaFields(table.columns);
  const left = table.columns.length - fields.length;
  const aspects = new Map<string, AspectValue>([
    ['datasetProperties', propertiesOf(table)],
    [
      'schemaMetadata',
      {
        schemaName: table.name,
        platform,
        version: 0,
        hash: hash('sha256', canonicalJson(fields), 'hex'),
        platformSchema: { 'com.linkedin.schema.OtherSchema': { rawSchema: '' } },
        fields,
      },
    ],
    ['status', present],
  ]);
  if (table.container !== undefined) aspects.set('container', { container: table.container });
  if (seenAtMs !== undefined) aspects.set('datasetProfile', profileOf(table, seenAtMs));
  if (failures.length > 0) aspects.set('fileState', fileState('partly', failures));
  return {
    kind: 'entity',
    urn: table.urn,
    path: table.path,
    aspects,
    problems: left > 0 ? [...problems, { code: 'COLUMNS_TOO_MANY', count: left }] : problems,
  };
}

/** The aspects of a folder that holds tables: containerProperties, status and the folder it lies in. */
export function folderEntity(path: string): FoundEntity {
  const slash = path.lastIndexOf('/');
  const aspects = new Map<string, AspectValue>([
    [
      'containerProperties',
      {
        name: path.slice(slash + 1).normalize('NFC'),
        qualifiedName: nameOf(path),
        customProperties: { path: `${path}/` },
      },
    ],
    ['status', present],
  ]);
  if (slash !== -1) aspects.set('container', { container: containerUrn(path.slice(0, slash)) });
  return { kind: 'entity', urn: containerUrn(path), path: `${path}/`, aspects, problems: [] };
}
