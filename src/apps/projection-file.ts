import { realpathSync } from 'node:fs';
import { extname, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Fault } from '../domain/fault.ts';
import type { FieldKind } from '../ports/read-model.ts';
import { isFieldName, isProjectionName } from '../ports/search-values.ts';
import type { Projection } from '../projections/projection.ts';
import { loadModule } from './load-module.ts';
import { type ModuleFile, moduleGraph } from './module-graph.ts';

const extensions = ['.ts', '.mts', '.js', '.mjs'];
/** Below `src`, what a projection may be made of. */
const rooms = ['domain', 'formats', 'ports', 'projections'];
/** They compute from what they are given; what they know of chance is denied when a fold runs. */
const pureBuiltins = ['node:assert', 'node:buffer', 'node:crypto', 'node:util', 'node:zlib'];
const program = fileURLToPath(new URL('../', import.meta.url));
const works = ['stateId', 'stateDocument', 'drafts', 'settled', 'open', 'quarantined', 'searchOf'] as const;
const kinds: readonly unknown[] = ['keyword', 'long', 'words'] satisfies FieldKind[];

/**
 * The projection that a file gives as its default export. Rejects with `PROJECTION_INVALID`, which says what is wrong: no such
 * file, no module, no projection in it, or an import that no fold may have.
 */
export async function projectionFrom(file: string): Promise<Projection> {
  const invalid = (reason: string, cause?: unknown): Fault =>
    new Fault('PROJECTION_INVALID', { file, reason }, cause);
  if (!extensions.includes(extname(file))) throw invalid(`not one of ${extensions.join(' ')}`);
  let path: string;
  let graph: readonly ModuleFile[];
  try {
    path = realpathSync(resolve(file));
    graph = moduleGraph([path]);
  } catch (error) {
    const { code, path: missing = file } = error as NodeJS.ErrnoException;
    throw invalid(code === 'ENOENT' ? `there is no ${missing}` : String(error), error);
  }
  for (const one of graph) {
    const wrong = wrongIn(one);
    if (wrong !== undefined) throw invalid(`${relative(process.cwd(), one.path)} ${wrong}`);
  }
  let loaded: Readonly<Record<string, unknown>>;
  process.on('exit', endedByFile);
  try {
    loaded = await loadModule(pathToFileURL(path).href);
  } catch (error) {
    throw invalid(String(error), error);
  } finally {
    process.off('exit', endedByFile);
  }
  const projection = projectionIn(loaded.default, invalid);
  if (projection.folding !== undefined) throw invalid('folding is for kept code alone');
  return projection;
}

/** A file that ends the process while it is loaded, or is never loaded whole, is not one that was looked at. */
function endedByFile(): void {
  process.exitCode = 1;
  process.stderr.write(
    'annal: PROJECTION_INVALID: the file ended the process while it was loaded, or never was\n',
  );
}

/** Why a file may not be a part of a fold; undefined where it may. */
function wrongIn({ path, libraries, loads }: ModuleFile): string | undefined {
  const within = relative(program, path).split(sep);
  if (within[0] !== '..' && within.length > 1)
    return rooms.includes(within[0]!)
      ? undefined
      : `is of ${within[0]}: a fold is made of ${rooms.join(', ')}`;
  const library = libraries.find((name) => !pureBuiltins.includes(name));
  if (library !== undefined) return `imports ${library}: a fold reads what it is given and nothing else`;
  return loads ? 'loads modules while it runs: a fold is what it is when it is loaded' : undefined;
}

/** What was given, if it is a projection; else throws what `invalid` makes of the reason. */
export function projectionIn(given: unknown, invalid: (reason: string) => Error): Projection {
  if (given === undefined) throw invalid('it has no default export');
  if (typeof given !== 'object' || given === null) throw invalid('its default export is no projection');
  const found = given as { readonly [Name in keyof Projection]?: unknown };
  const { projection, version, fields } = (found.definition ?? {}) as Record<string, unknown>;
  if (typeof projection !== 'string' || !isProjectionName(projection))
    throw invalid('definition.projection has to be a name: a-z, 0-9 and hyphens, without a version in it');
  if (!Number.isSafeInteger(version) || Number(version) < 1)
    throw invalid('definition.version has to be a whole number from 1 on');
  if (typeof fields !== 'object' || fields === null) throw invalid('definition.fields is missing');
  for (const [name, kind] of Object.entries(fields)) {
    if (!isFieldName(name)) throw invalid(`definition.fields: ${JSON.stringify(name)} cannot be searched by`);
    if (!kinds.includes(kind)) throw invalid(`definition.fields.${name} is none of ${kinds.join(', ')}`);
  }
  if (typeof found.frozen !== 'string' || !/^[0-9a-f]{64}$/.test(found.frozen))
    throw invalid('frozen has to be a SHA-256 in hex');
  if (typeof found.about !== 'string') throw invalid('about has to be a sentence');
  const missing = works.find((name) => typeof found[name] !== 'function');
  if (missing !== undefined) throw invalid(`${missing} has to be a function`);
  return given as Projection;
}
