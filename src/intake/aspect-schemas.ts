import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import {
  danglingPointers,
  holdsPersonal,
  type PersonalFields,
  personalFieldsSchema,
} from './personal-fields.ts';
import {
  type BrokenFile,
  brokenFiles,
  emptyFolders,
  listFolder,
  loadOnceOfShipped,
  readJsonFile,
  reasonOf,
  shippedSchemas,
} from './schema-folder.ts';

/** An aspect as the newest of its schemas describes it. `schema` is the text events carry: `name/version`. */
export interface AspectSchema {
  readonly schema: string;
  /** Undefined = no field of it is personal. */
  readonly personal: PersonalFields | undefined;
}

/**
 * `personal` = the value holds personal data and must be sealed. `pointer` = RFC 6901, where the fault is; of
 * a missing field where it should be; empty = the value as a whole. `reason` names no part of the value.
 */
export type AspectCheck =
  | { readonly ok: true; readonly schema: string; readonly personal: boolean }
  | { readonly ok: false; readonly code: 'ASPECT_UNKNOWN' }
  | {
      readonly ok: false;
      readonly code: 'ASPECT_INVALID';
      readonly pointer: string;
      readonly reason: string;
    };

export interface AspectSchemas {
  /** Every known aspect, sorted. */
  names(): string[];
  find(aspect: string): AspectSchema | undefined;
  /** Checks a whole value (of an UPSERT), parsed and bounded before. Stops at the first fault. */
  check(aspect: string, value: unknown): AspectCheck;
}

interface Loaded extends AspectSchema {
  readonly file: string;
  readonly version: number;
  readonly document: Record<string, unknown>;
}

const aspectName = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
const versionFile = /^([1-9][0-9]{0,5})\.json$/;
const pointerCharsMax = 1_000;

const compiler = (): Ajv2020 =>
  new Ajv2020({
    strict: true,
    allErrors: false,
    allowUnionTypes: true,
    logger: false,
    // A value without a field `constructor` must not be seen to have one.
    ownProperties: true,
    keywords: [{ keyword: 'x-personal', schemaType: 'object', metaSchema: personalFieldsSchema }],
  });

/** Whether the keyword stands anywhere but at the top, where it would have no effect. */
function isMarkedInside(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth > 0 && Object.hasOwn(value, 'x-personal')) return true;
  return Object.values(value).some((member) => isMarkedInside(member, depth + 1));
}

function readSchema(file: string, aspect: string, version: number, ajv: Ajv2020): Loaded {
  const document = readJsonFile(file);
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new Error('a schema is a JSON object');
  }
  const fields: Record<string, unknown> = { ...document };
  const schema = `${aspect}/${version}`;
  if (fields.$id !== `annal:aspect/${schema}`) throw new Error(`$id must be annal:aspect/${schema}`);
  for (const name of ['title', 'description']) {
    if (typeof fields[name] !== 'string') throw new Error(`${name} is missing`);
  }
  if (isMarkedInside(fields)) throw new Error('x-personal belongs at the top of the schema');
  const marks: unknown = fields['x-personal'];
  if (marks === undefined) return { file, version, schema, document: fields, personal: undefined };
  if (!ajv.validate<PersonalFields>(personalFieldsSchema, marks)) {
    throw new Error(`x-personal: ${ajv.errorsText(ajv.errors, { dataVar: '' })}`);
  }
  const [dangling] = danglingPointers(fields, marks);
  if (dangling !== undefined) throw new Error(`x-personal: ${dangling} leads to no property`);
  return { file, version, schema, document: fields, personal: marks };
}

/** The schema files of one folder; those whose name or place is wrong go to `broken`. */
function* schemaFiles(folder: string, broken: BrokenFile[]): Generator<[string, string, number]> {
  const root = join(folder, 'aspects');
  const { files, folders } = listFolder(root);
  for (const name of files.filter((name) => name.endsWith('.json'))) {
    broken.push({ file: join(root, name), reason: 'expected at aspects/<name>/<version>.json' });
  }
  for (const aspect of folders) {
    const versions = listFolder(join(root, aspect)).files.filter((name) => name.endsWith('.json'));
    if (!aspectName.test(aspect)) {
      broken.push({ file: join(root, aspect), reason: `the name must match ${aspectName.source}` });
    } else if (versions.length === 0) {
      broken.push({ file: join(root, aspect), reason: 'no schema in it; the first one is called 1.json' });
    } else {
      for (const name of versions) {
        const file = join(root, aspect, name);
        const version = versionFile.exec(name)?.[1];
        if (version === undefined) broken.push({ file, reason: 'the name must be a version, as in 1.json' });
        else yield [file, aspect, Number(version)];
      }
    }
  }
}

/** Ajv's words where they are clear, ours where a person needs the name of what is missing or allowed. */
function explain({ keyword, instancePath, params, message }: ErrorObject): {
  pointer: string;
  reason: string;
} {
  const below = (part: unknown): string =>
    `${instancePath}/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  let [pointer, reason] = [instancePath, message ?? `fails ${keyword}`];
  if (keyword === 'required') [pointer, reason] = [below(params.missingProperty), 'is required'];
  if (keyword === 'additionalProperties')
    [pointer, reason] = [below(params.additionalProperty), 'is not known here'];
  if (keyword === 'enum') reason = `must be one of ${JSON.stringify(params.allowedValues)}`;
  // Keys of the value are part of the pointer and may be long: then the place above is named.
  while (pointer.length > pointerCharsMax) pointer = pointer.slice(0, pointer.lastIndexOf('/'));
  return { pointer, reason };
}

function loadAll(folders: readonly string[], ajv: Ajv2020, broken: BrokenFile[]): Map<string, Loaded> {
  const newest = new Map<string, Loaded>();
  const seen = new Map<string, string>();
  for (const folder of folders) {
    for (const [file, aspect, version] of schemaFiles(folder, broken)) {
      try {
        const loaded = readSchema(file, aspect, version, ajv);
        const other = seen.get(loaded.schema);
        if (other !== undefined) throw new Error(`${loaded.schema} is already defined by ${other}`);
        seen.set(loaded.schema, file);
        // Tests prove that the shipped ones compile; what others wrote is compiled before it is needed.
        if (folder !== shippedSchemas) ajv.compile(loaded.document);
        if (version > (newest.get(aspect)?.version ?? 0)) newest.set(aspect, loaded);
      } catch (error) {
        broken.push({ file, reason: reasonOf(error) });
      }
    }
  }
  return newest;
}

/**
 * Reads the schemas of all folders (`<folder>/aspects/<name>/<version>.json`, JSON Schema draft 2020-12; the
 * shipped ones are at `shippedSchemas`). Of several versions the highest counts. Throws one
 * SCHEMA_FILE_INVALID naming every file or folder that cannot be used. Compiled when first used.
 */
export const loadAspectSchemas = loadOnceOfShipped((folders): AspectSchemas => {
  const ajv = compiler();
  const broken = emptyFolders(folders);
  const newest = loadAll(folders, ajv, broken);
  if (broken.length > 0) throw brokenFiles(broken);
  const compiled = new Map<string, ValidateFunction>();

  const compile = (aspect: string, { document, file }: Loaded): ValidateFunction => {
    try {
      const validate = ajv.compile(document);
      compiled.set(aspect, validate);
      return validate;
    } catch (error) {
      throw brokenFiles([{ file, reason: reasonOf(error) }]);
    }
  };

  return {
    names: () => [...newest.keys()].sort(),
    find: (aspect) => newest.get(aspect),
    check(aspect, value) {
      const loaded = newest.get(aspect);
      if (loaded === undefined) return { ok: false, code: 'ASPECT_UNKNOWN' };
      const validate = compiled.get(aspect) ?? compile(aspect, loaded);
      if (!validate(value)) return { ok: false, code: 'ASPECT_INVALID', ...explain(validate.errors![0]!) };
      const { schema, personal } = loaded;
      return { ok: true, schema, personal: personal !== undefined && holdsPersonal(personal, value) };
    },
  };
});
