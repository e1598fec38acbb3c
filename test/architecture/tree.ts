import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface TextFile {
  /** Relative to the repository, `/` between segments. */
  readonly path: string;
  readonly text: string;
}

/** What is installed, made or fetched: no part of the repository. */
const notOurs = new Set(['.annal', '.git', '.services', 'coverage', 'dist', 'node_modules']);
/** Bytes and texts that are data: nobody's style. */
const data = ['samples/archive/', 'samples/datalake/', 'test/golden/', 'schemas/aspects/'];
const textual = new Set([
  ...[
    '',
    '.avsc',
    '.css',
    '.html',
    '.java',
    '.js',
    '.json',
    '.md',
    '.mjs',
    '.sh',
    '.ts',
    '.xml',
    '.yaml',
    '.yml',
  ],
  ...['.gitattributes', '.gitignore', '.npmrc'],
]);

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (notOurs.has(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

const isText = (path: string): boolean =>
  textual.has(extname(path)) && !data.some((prefix) => path.startsWith(prefix)) && !path.endsWith('.log');

/** Every text of the repository that somebody wrote, in the order of paths. */
export const textFiles: readonly TextFile[] = [...walk('')]
  .filter(isText)
  .sort()
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

export const paths: ReadonlySet<string> = new Set(walk(''));

/** TypeScript below a folder. */
export const typescript = (...folders: readonly string[]): readonly TextFile[] =>
  textFiles.filter(
    ({ path }) => path.endsWith('.ts') && folders.some((folder) => path.startsWith(`${folder}/`)),
  );

export const read = (path: string): string => readFileSync(join(root, path), 'utf8');
