import type { FileTree, TreeEntry } from '../ports/file-tree.ts';
import type { TableReader, TableRefusal } from '../ports/table-reader.ts';
import { orUnreadable, refusalOf } from './scan-files.ts';
import type { FoundItem } from './scan-found.ts';
import { nameOf } from './scan-names.ts';

interface FolderFile {
  readonly path: string;
  /** The file's name without its extension. */
  readonly stem: string;
  readonly reader: TableReader;
  readonly stamp: string | undefined;
}

/** One folder's listing, sorted by name. It is held whole: about 1 KB an entry. */
export interface Folder {
  readonly path: string;
  readonly files: readonly FolderFile[];
  /** Names of the folders within. */
  readonly folders: readonly string[];
  /** Names of folders `_x`: what an engine keeps beside its files. */
  readonly beside: readonly string[];
  /** Name of each file's table, by path; no two alike. */
  readonly names: ReadonlyMap<string, string>;
  /** Entries that are passed over or refused for what they are. */
  readonly passedOver: readonly FoundItem[];
}

const isHidden = ({ name }: TreeEntry): boolean => name.startsWith('.');
/** What engines leave beside their output (`_SUCCESS`). */
const isBeside = ({ name }: TreeEntry): boolean => name.startsWith('_');
const byName = (a: TreeEntry, b: TreeEntry): number => (a.name < b.name ? -1 : 1);

const splitName = (name: string): { stem: string; extension: string } => {
  const dot = name.lastIndexOf('.');
  return { stem: name.slice(0, dot), extension: name.slice(dot + 1).toLowerCase() };
};

/**
 * A table is named after its path without extension, so that it stays itself when its format changes. Where that name is
 * shared, it goes to the reader that stands first; the others keep their extension (`shop.orders%2Ejson`).
 */
function nameTables(files: readonly FolderFile[], readers: readonly TableReader[]): Map<string, string> {
  const rank = new Map(readers.map((reader, i) => [reader, i]));
  const taken = new Set<string>();
  const names = new Map<string, string>();
  for (const { path } of [...files].sort((a, b) => rank.get(a.reader)! - rank.get(b.reader)!)) {
    const short = nameOf(path.slice(0, path.lastIndexOf('.')));
    const long = nameOf(path);
    // No segment is spelled with a plain `~`, so the last resort is always free.
    const name = [short, long].find((candidate) => !taken.has(candidate)) ?? `${long}~`;
    taken.add(name);
    names.set(path, name);
  }
  return names;
}

/** Why no URN can be made of a name. Two names that look alike would share one. */
function nameFault(name: string, spellings: Set<string>): string | undefined {
  if (!name.isWellFormed() || name.includes('\uFFFD')) return 'the name is not valid Unicode';
  const spelling = name.normalize('NFC');
  if (spellings.has(spelling)) return 'the name differs from another only in how its accents are spelled';
  spellings.add(spelling);
  return undefined;
}

export async function readFolder(
  tree: FileTree,
  path: string,
  { readers, stamped }: { readonly readers: readonly TableReader[]; readonly stamped: boolean },
): Promise<Folder | TableRefusal> {
  const listed = await orUnreadable(() => tree.list(path, stamped));
  if ('refused' in listed) return listed;
  const files: FolderFile[] = [];
  const folders: string[] = [];
  const beside: string[] = [];
  const passedOver: FoundItem[] = [];
  const spellings = new Set<string>();
  for (const entry of listed.filter((found) => !isHidden(found)).sort(byName)) {
    const below = path === '' ? entry.name : `${path}/${entry.name}`;
    const fault = nameFault(entry.name, spellings);
    if (fault !== undefined) {
      passedOver.push(refusalOf(below, { refused: 'FILE_UNREADABLE', reason: fault }));
    } else if (isBeside(entry)) {
      if (entry.kind === 'folder') beside.push(entry.name);
      passedOver.push({ kind: 'skipped', path: below, why: 'hidden' });
    } else if (entry.kind === 'folder') {
      folders.push(entry.name);
    } else if (entry.kind === 'file') {
      const { stem, extension } = splitName(entry.name);
      const reader = readers.find(({ extensions }) => extensions.includes(extension));
      if (reader !== undefined) files.push({ path: below, stem, reader, stamp: entry.stamp });
      else passedOver.push({ kind: 'skipped', path: below, why: 'format' });
    } else {
      passedOver.push({ kind: 'skipped', path: below, why: entry.kind });
    }
  }
  return { path, files, folders, beside, names: nameTables(files, readers), passedOver };
}
