import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  type BrokenFile,
  brokenFiles,
  emptyFolders,
  loadOnceOfShipped,
  readJsonFile,
  reasonOf,
} from './schema-folder.ts';

export interface EntityType {
  readonly displayName: string;
  /** Aspects such an entity commonly has: a hint for pages and plugins, others are allowed. */
  readonly aspects: readonly string[];
  /**
   * Persons, groups, secrets, tokens: every aspect of such an entity is refused while it cannot be sealed.
   */
  readonly personal: boolean;
}

export interface EntityTypes {
  /** Every known entity type as it is written in URNs, sorted. */
  names(): string[];
  find(entityType: string): EntityType | undefined;
  /**
   * Also true for another spelling of capitals, so that `urn:li:corpUser:…` is no way round. Unknown types:
   * false.
   */
  isPersonal(entityType: string): boolean;
}

const tableSchema = {
  type: 'object',
  propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$' },
  additionalProperties: {
    type: 'object',
    required: ['displayName', 'aspects', 'personal'],
    additionalProperties: false,
    properties: {
      displayName: { type: 'string', minLength: 1 },
      aspects: { type: 'array', items: { type: 'string', minLength: 1 }, uniqueItems: true },
      personal: { type: 'boolean' },
    },
  },
} as const;

function readTable(file: string, ajv: Ajv2020): [string, EntityType][] {
  const table = readJsonFile(file);
  if (!ajv.validate<Record<string, EntityType>>(tableSchema, table)) {
    throw new Error(ajv.errorsText(ajv.errors, { dataVar: '' }));
  }
  return Object.entries(table);
}

/**
 * Reads `<folder>/entity-types.json` of all folders, where there is one (the shipped one is at
 * `shippedSchemas`). Throws one SCHEMA_FILE_INVALID naming every file that cannot be used: malformed, or with
 * a type that is there already, which would let an own folder make a shipped personal type an open one.
 */
export const loadEntityTypes = loadOnceOfShipped((folders): EntityTypes => {
  const ajv = new Ajv2020({ strict: true, logger: false, ownProperties: true });
  const types = new Map<string, EntityType>();
  const namesByLowerCase = new Map<string, string>();
  const broken: BrokenFile[] = emptyFolders(folders);
  for (const file of folders
    .map((folder) => join(folder, 'entity-types.json'))
    .filter((name) => existsSync(name))) {
    try {
      for (const [name, entityType] of readTable(file, ajv)) {
        const other = namesByLowerCase.get(name.toLowerCase());
        if (other !== undefined) throw new Error(`${name}: the entity type ${other} is already defined`);
        types.set(name, entityType);
        namesByLowerCase.set(name.toLowerCase(), name);
      }
    } catch (error) {
      broken.push({ file, reason: reasonOf(error) });
    }
  }
  if (broken.length > 0) throw brokenFiles(broken);
  return {
    names: () => [...types.keys()].sort(),
    find: (entityType) => types.get(entityType),
    isPersonal: (entityType) =>
      types.get(namesByLowerCase.get(entityType.toLowerCase()) ?? '')?.personal ?? false,
  };
});
