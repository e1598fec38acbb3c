import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of a program, with what it loads when it is loaded. */
export interface ModuleFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  /** Files it imports, absolute. */
  readonly imports: readonly string[];
  /** Files it reads by a URL beside itself, absolute. */
  readonly assets: readonly string[];
  /** What it imports that is no file: packages, parts of Node. */
  readonly libraries: readonly string[];
  /** Whether it loads modules while it runs. */
  readonly loads: boolean;
}

// Statements as a formatter leaves them: at the beginning of a line, one after the other. What is imported for its types alone is
// gone when it runs. A statement that is overlooked shows when the files are loaded without what it names.
const statement = /^\s*(?:import|export)\s+(?!type\s[^=])(?:[\w*$\s{},]+?\s+from\s+)?(['"])([^'"\n]+)\1/gmu;
const asset = /new URL\(\s*(['"])(\.[^'"\n]+)\1\s*,\s*import\.meta\.url\s*\)/gu;
const loading = /\bimport\s*\(/u;

/** A module as its text tells. */
export function moduleFile(path: string, text: string): ModuleFile {
  const named = [...text.matchAll(statement)].map(([, , specifier]) => specifier!);
  const target = (specifier: string): string | undefined => {
    if (specifier.startsWith('file:')) return fileURLToPath(specifier);
    return /^\.{0,2}\//.test(specifier) ? resolve(dirname(path), specifier) : undefined;
  };
  return {
    path,
    text,
    imports: named.flatMap((specifier) => target(specifier) ?? []),
    assets: [...text.matchAll(asset)].map(([, , specifier]) => resolve(dirname(path), specifier!)),
    libraries: named.filter((specifier) => target(specifier) === undefined),
    loads: loading.test(text),
  };
}

/**
 * All files that some reach by their imports, these included, each once, by their paths. Rejects as `readFileSync` where one is
 * not there.
 */
export function moduleGraph(entries: readonly string[]): readonly ModuleFile[] {
  const found = new Map<string, ModuleFile>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    const file = moduleFile(path, readFileSync(path, 'utf8'));
    found.set(path, file);
    open.push(...file.imports);
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
