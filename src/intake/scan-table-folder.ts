import type { FileTree } from '../ports/file-tree.ts';
import type { FolderReader } from '../ports/folder-reader.ts';
import { type SampleBounds, type TableReader, tableLimits } from '../ports/table-reader.ts';
import { type ClaimedFile, describeParts, type Parts, refusalOf } from './scan-files.ts';
import { type Folder, readFolder } from './scan-folder.ts';
import type { FoundItem } from './scan-found.ts';
import { isPartName, lastSegment, partitionKey } from './scan-names.ts';

/** What a walk through a tree needs. */
export interface Walk {
  readonly tree: FileTree;
  readonly source: string;
  readonly readers: readonly TableReader[];
  readonly folderReaders: readonly FolderReader[];
  readonly sample: SampleBounds;
  /** Files open at once. */
  readonly filesAtOnceMax: number;
  /** Of this scan, UTC milliseconds. */
  readonly seenAtMs: number | undefined;
  /** Whether a table had this stamp when it was looked into last; undefined: all is looked into, and nothing stamped. */
  readonly isSame: ((urn: string, stamp: string) => boolean) | undefined;
}

/** How folders are listed. */
export const listing = ({ readers, isSame }: Walk) => ({ readers, stamped: isSame !== undefined });

/** What a walk through the folders of one table may meet; `torn`: this is no table. */
type Met = { readonly file: ClaimedFile } | { readonly aside: readonly FoundItem[] } | 'torn';

/** Every file below a folder of partitions, in order. */
export async function* partitionFiles(
  walk: Walk,
  folder: Folder,
  keys: readonly string[],
): AsyncGenerator<Met> {
  const { files, folders } = folder;
  if (folders.length === 0) {
    for (const { path, reader, stamp } of files) yield { file: { path, reader, stamp, partitions: keys } };
    return;
  }
  const key = partitionKey(folders[0]!);
  const alike = key !== undefined && folders.every((name) => partitionKey(name) === key);
  if (files.length > 0 || !alike || keys.length >= tableLimits.fieldDepthMax) {
    yield 'torn';
    return;
  }
  for (const name of folders) {
    const path = folder.path === '' ? name : `${folder.path}/${name}`;
    const below = await readFolder(walk.tree, path, listing(walk));
    if ('refused' in below) {
      yield { aside: [refusalOf(`${path}/`, below)] };
    } else {
      yield { aside: below.passedOver };
      yield* partitionFiles(walk, below, [...keys, key]);
    }
  }
}

/** A folder that is one table; `aside`: what was met on the way and is no part. */
export interface FolderTable {
  readonly parts: Parts;
  readonly partitions: readonly string[];
  readonly aside: readonly FoundItem[];
}

/** Whether the names allow a table; folders of partitions are judged on the way. */
export function mayBeTable({ path, files, folders }: Folder, source: string): boolean {
  if (folders.length > 0) return true;
  const own = path === '' ? source : lastSegment(path);
  return files.length > 0 && files.every(({ stem }) => isPartName(stem, own));
}

const isSibling = (a: ClaimedFile, b: ClaimedFile): boolean =>
  a.reader.format === b.reader.format &&
  a.partitions.length === b.partitions.length &&
  a.partitions.every((key, i) => key === b.partitions[i]);

/** The folder as one table: part files of one format with the same columns, or folders of partitions that hold them. */
export async function folderTable(walk: Walk, folder: Folder): Promise<FolderTable | undefined> {
  if (!mayBeTable(folder, walk.source)) return undefined;
  const aside: FoundItem[] = [];
  const files: { first?: ClaimedFile; torn: boolean } = { torn: false };
  const siblings = async function* (): AsyncGenerator<ClaimedFile> {
    for await (const met of partitionFiles(walk, folder, [])) {
      if (met === 'torn' || ('file' in met && !isSibling(files.first ?? met.file, met.file))) {
        files.torn = true;
        return;
      }
      if ('aside' in met) {
        aside.push(...met.aside);
        continue;
      }
      files.first ??= met.file;
      yield met.file;
    }
  };
  const parts = await describeParts(walk.tree, siblings(), walk.sample, walk.filesAtOnceMax);
  if (files.torn || parts === undefined || files.first === undefined) return undefined;
  return { parts, partitions: files.first.partitions, aside };
}
