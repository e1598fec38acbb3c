import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Fault } from '../domain/fault.ts';
import { bundleBytes, type FoldBundle, parseBundle } from '../formats/fold-bundle.ts';
import type { StateStore } from '../ports/archive.ts';
import { type Folding, folding } from '../projections/folding.ts';
import type { Projection } from '../projections/projection.ts';
import { projectionNamed } from '../projections/registry.ts';
import { bundleName } from '../streams/archive-names.ts';
import type { KeptFold } from '../streams/index-fold.ts';
import { keepBundle, readBundle } from '../streams/kept-folds.ts';
import { loadModule } from './load-module.ts';
import { moduleGraph } from './module-graph.ts';
import { projectionIn } from './projection-file.ts';

const program = fileURLToPath(new URL('../../', import.meta.url));
const entry = 'fold.ts';
const modules = ['src/projections/folding.ts', 'src/projections/registry.ts'];

/** Keeps the code of folds, and loads what is kept: each once in a process. */
export interface FoldKeeper {
  /** Keeps the code of a projection of this program, and gives its hash; undefined for one that is not of it. */
  readonly keepFold: (projection: Projection) => Promise<string | undefined>;
  readonly keptFold: KeptFold;
}

export function foldKeeper(state: StateStore): FoldKeeper {
  const loaded = new Map<string, Projection>();
  return {
    keepFold: async (projection) =>
      projectionNamed(projection.definition.projection) === projection
        ? keepBundle(state, bundleBytes(packFold(projection)))
        : undefined,
    async keptFold(bundle) {
      const known = loaded.get(bundle);
      if (known !== undefined) return known;
      const bytes = await readBundle(state, bundle);
      if (bytes === undefined) return undefined;
      const projection = await loadBundle(parseBundle(bytes, bundleName(bundle)), bundleName(bundle));
      loaded.set(bundle, projection);
      return projection;
    },
  };
}

/** All files that decide what a projection of this program makes of records, with one in front that names it. */
export function packFold({ definition }: Projection): FoldBundle {
  const files: Record<string, string> = {
    'package.json': '{"type":"module"}\n',
    [entry]:
      "import { folding } from './src/projections/folding.ts';\n" +
      "import { projectionNamed } from './src/projections/registry.ts';\n" +
      `export default { ...projectionNamed(${JSON.stringify(definition.projection)}), folding };\n`,
  };
  const nameOf = (path: string): string => relative(program, path).split(sep).join('/');
  const graph = moduleGraph(modules.map((name) => join(program, name)));
  for (const { path, text } of graph) files[nameOf(path)] = text;
  for (const asset of graph.flatMap(({ assets }) => assets))
    files[nameOf(asset)] = readFileSync(asset, 'utf8');
  return { entry, files };
}

/**
 * The projection of a bundle, by modules of its own: it shares nothing with this program but what it is given. Its files are on
 * disk for as long as they are loaded. Rejects with `ARCHIVE_CORRUPT` where it gives no projection.
 */
export async function loadBundle({ entry: first, files }: FoldBundle, blob: string): Promise<Projection> {
  const dir = await mkdtemp(join(tmpdir(), 'annal-code-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      const file = join(dir, ...name.split('/'));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    const corrupt = (reason: string, cause?: unknown): Fault =>
      new Fault('ARCHIVE_CORRUPT', { blob, reason }, cause);
    let given: unknown;
    try {
      given = (await loadModule(pathToFileURL(join(dir, first)).href)).default;
    } catch (error) {
      throw corrupt(`it does not load: ${String(error)}`, error);
    }
    const projection = projectionIn(given, corrupt);
    if (!isFolding(projection.folding)) throw corrupt('it has no folding of its own');
    return projection;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const isFolding = (given: Folding | undefined): boolean =>
  given !== undefined &&
  Object.keys(folding).every((name) => typeof given[name as keyof Folding] === 'function');
