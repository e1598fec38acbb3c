import { hash } from 'node:crypto';
import { Fault } from '../../src/domain/fault.ts';
import type { FileTree, TreeEntry } from '../../src/ports/file-tree.ts';
import type { TableFile } from '../../src/ports/table-reader.ts';

/** A file whose reads are counted. */
export interface MemoryFile extends TableFile {
  readonly reads: { offset: number; length: number }[];
}

export function memoryFile(content: string | Uint8Array, path = 'some/file'): MemoryFile {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const reads: { offset: number; length: number }[] = [];
  return {
    path,
    bytes: bytes.length,
    reads,
    async read(offset, length) {
      reads.push({ offset, length });
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** `broken`: listed, but cannot be opened or listed. `lost`: gone between listing and opening. */
export type MemoryEntry = string | Uint8Array | 'link:' | { readonly broken: string };

/** A tree of the given paths; a path that ends in `/` is a folder. */
export function memoryFiles(
  entries: Readonly<Record<string, MemoryEntry>> | Map<string, MemoryEntry>,
): FileTree {
  const all = entries instanceof Map ? entries : new Map(Object.entries(entries));
  const folders = new Map<string, Map<string, TreeEntry['kind']>>([['', new Map()]]);
  for (const [path, entry] of all) {
    const parts = path.split('/');
    for (let i = 0; i < parts.length - 1; i += 1) {
      const [parent, folder] = [parts.slice(0, i).join('/'), parts.slice(0, i + 1).join('/')];
      folders.get(parent)!.set(parts[i]!, 'folder');
      if (!folders.has(folder)) folders.set(folder, new Map());
    }
    const name = parts.at(-1)!;
    if (name !== '')
      folders.get(parts.slice(0, -1).join('/'))!.set(name, entry === 'link:' ? 'link' : 'file');
  }
  const broken = (path: string): string | undefined => {
    const entry = all.get(path);
    return typeof entry === 'object' && 'broken' in entry ? entry.broken : undefined;
  };
  const stampOf = (path: string): string => {
    const entry = all.get(path)!;
    return hash('sha256', typeof entry === 'object' && 'broken' in entry ? entry.broken : entry);
  };
  return {
    place: 'memory',
    async list(folder, stamped = false) {
      const why = broken(`${folder}/`);
      if (why !== undefined) throw new Fault('FILE_UNREADABLE', { path: folder, why });
      // Reversed, because the order of a listing is nobody's promise.
      return [...(folders.get(folder) ?? [])]
        .map(([name, kind]) => ({
          ...{ name, kind },
          ...(stamped && kind === 'file'
            ? { stamp: stampOf(folder === '' ? name : `${folder}/${name}`) }
            : {}),
        }))
        .reverse();
    },
    async open(path) {
      const [entry, why] = [all.get(path), broken(path)];
      if (why !== undefined || entry === undefined) throw new Fault('FILE_UNREADABLE', { path, why });
      const file = memoryFile(entry as string | Uint8Array, path);
      return { ...file, [Symbol.asyncDispose]: async () => {} };
    },
  };
}
