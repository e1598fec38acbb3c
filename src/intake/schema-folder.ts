import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../domain/fault.ts';

/** The folder of schemas this package ships. Own folders have the same layout: schemas/README.md. */
export const shippedSchemas = fileURLToPath(new URL('../../schemas', import.meta.url));

/**
 * What `load` makes of folders. What ships does not change while a process lives: of that folder alone it is
 * made once.
 */
export function loadOnceOfShipped<T>(
  load: (folders: readonly string[]) => T,
): (folders: readonly string[]) => T {
  let shipped: T | undefined;
  return (folders) => {
    if (folders.length !== 1 || folders[0] !== shippedSchemas) return load(folders);
    shipped ??= load(folders);
    return shipped;
  };
}

/** A file that cannot be used, and why. `reason` is a sentence for people. */
export interface BrokenFile {
  readonly file: string;
  readonly reason: string;
}

/** One SCHEMA_FILE_INVALID that names every broken file. */
export const brokenFiles = (broken: readonly BrokenFile[]): Fault =>
  new Fault('SCHEMA_FILE_INVALID', { files: broken.map(({ file, reason }) => `${file}: ${reason}`) });

/** Folders that would add nothing, mostly because the path is wrong: silence would look like success. */
export const emptyFolders = (folders: readonly string[]): BrokenFile[] =>
  folders
    .filter((folder) => !['aspects', 'entity-types.json'].some((name) => existsSync(join(folder, name))))
    .map((file) => ({ file, reason: 'expected a folder with aspects/ or entity-types.json in it' }));

/**
 * A JSON file of a schema folder as a value. A key `__proto__` is refused: the schema compiler drops it, so
 * what it was to demand would never be checked. Throws an Error with the reason alone.
 */
export function readJsonFile(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'), (key: string, value: unknown) => {
    if (key === '__proto__') throw new Error('a key is called __proto__');
    return value;
  });
}

/**
 * Names in a folder in a fixed order, files and folders apart (links followed); empty when it does not exist.
 */
export function listFolder(folder: string): { files: string[]; folders: string[] } {
  const isThere = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const names = isThere ? readdirSync(folder).sort() : [];
  const isFolder = (name: string): boolean => statSync(join(folder, name)).isDirectory();
  return { files: names.filter((name) => !isFolder(name)), folders: names.filter(isFolder) };
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
