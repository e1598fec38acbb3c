import type { Column } from '../domain/column.ts';
import type { FileTree } from '../ports/file-tree.ts';
import type { FolderReader } from '../ports/folder-reader.ts';
import {
  isRefusal,
  type SampleBounds,
  sampleDefault,
  type Table,
  type TableReader,
  type TableRefusal,
} from '../ports/table-reader.ts';
import { inOrder } from './in-order.ts';
import { folderEntity, tableEntity, unreadState } from './scan-aspects.ts';
import { type ClaimedFile, describeFile, orUnreadable, refusalOf } from './scan-files.ts';
import { type Folder, readFolder } from './scan-folder.ts';
import type { FoundItem, FoundRefusal } from './scan-found.ts';
import { containerUrn, datasetUrn, lastSegment, nameOf, sourceName } from './scan-names.ts';
import { folderStamp, markerStamp } from './scan-stamps.ts';
import { type FolderTable, folderTable, listing, type Walk } from './scan-table-folder.ts';

export interface ScanOptions {
  /** See `scanSourceId`. Names the table where the scanned folder itself is one. */
  readonly source: string;
  /** In order of precedence. */
  readonly readers: readonly TableReader[];
  /** Of tables that are folders; a folder goes to the first whose marker it has. */
  readonly folderReaders?: readonly FolderReader[];
  readonly sample?: SampleBounds;
  /** Files open at once. */
  readonly filesAtOnceMax?: number;
  /** Whether a table had this stamp when it was looked into last: then it is yielded as `same`. Without it there are no stamps. */
  readonly isSame?: (urn: string, stamp: string) => boolean;
  /** UTC milliseconds of this scan: what profiles are told to be of. Without it there are none. */
  readonly seenAtMs?: number;
}

/** Folders given out once something in them was found, so that a folder without tables does not appear. */
type Above = readonly { readonly path: string; given: boolean }[];

const folderDepthMax = 64;

/** Of a folder's own description, which comes from its path alone. */
const containerStamp = 'container';

function* giveFolders({ isSame }: Walk, above: Above): Generator<FoundItem> {
  for (const folder of above) {
    if (folder.given) continue;
    folder.given = true;
    const { path } = folder;
    const urn = containerUrn(path);
    if (isSame === undefined) yield folderEntity(path);
    else if (isSame(urn, containerStamp)) yield { kind: 'same', urn, path: `${path}/` };
    else yield { ...folderEntity(path), stamp: containerStamp };
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

interface Placed {
  readonly name: string;
  readonly title: string;
  readonly path: string;
  /** The folder it lies in. */
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  /** Parts that could not be read. */
  readonly failures: readonly FoundRefusal[];
  readonly stamp: string | undefined;
}

function placeTable(walk: Walk, table: Table, placed: Placed): FoundItem {
  const { folder, failures, files, stamp, ...place } = placed;
  const { format, columns, rows, whole, dialect, problems, profile, stated } = table;
  const entity = tableEntity(
    {
      ...{ ...place, format, columns, whole, dialect, profile },
      urn: datasetUrn(place.name),
      container: folder === '' ? undefined : containerUrn(folder),
      files: profile?.files ?? files,
      rowsSampled: stated === true ? undefined : rows,
    },
    { problems, failures, seenAtMs: walk.seenAtMs },
  );
  return stamp === undefined || failures.length > 0 ? entity : { ...entity, stamp };
}

/** One dataset a file. */
async function* walkFiles(walk: Walk, folder: Folder, above: Above): AsyncGenerator<FoundItem> {
  const files = folder.files.map(({ path, reader, stamp }) => ({
    ...{ path, reader, partitions: [] },
    stamp: stamp === undefined ? undefined : `${stamp} ${reader.format}`,
  }));
  const isSame = ({ path, stamp }: ClaimedFile): boolean =>
    stamp !== undefined && walk.isSame?.(datasetUrn(folder.names.get(path)!), stamp) === true;
  const described = inOrder(files, walk.filesAtOnceMax, async (file) =>
    isSame(file) ? file : describeFile(walk.tree, file, walk.sample),
  );
  for await (const found of described) {
    yield* giveFolders(walk, above);
    if (!('answer' in found)) {
      yield { kind: 'same', urn: datasetUrn(folder.names.get(found.path)!), path: found.path };
      continue;
    }
    const { file, bytes, answer } = found;
    const name = folder.names.get(file.path)!;
    if (isRefusal(answer)) {
      const [urn, refusal] = [datasetUrn(name), refusalOf(file.path, answer, datasetUrn(name))];
      yield refusal;
      yield unreadState(urn, file.path, [refusal]);
      continue;
    }
    const title = lastSegment(file.path)
      .replace(/\.[^.]*$/u, '')
      .normalize('NFC');
    const { path, stamp } = file;
    const placed = { name, title, path, folder: folder.path, files: 1, bytes, failures: [], stamp };
    yield placeTable(walk, answer, placed);
  }
}

const titleOf = ({ source }: Walk, { path }: Folder): string =>
  (path === '' ? source : lastSegment(path)).normalize('NFC');

/** Columns whose values stand in folder names come last, unless the files have them too. */
function withPartitions(columns: readonly Column[], keys: readonly string[]): readonly Column[] {
  const known = new Set(columns.map(({ name }) => name));
  const added = keys
    .filter((key) => !known.has(key))
    .map(
      (name): Column => ({ name, type: 'string', nativeType: 'string', nullable: false, partitioning: true }),
    );
  return added.length === 0 ? columns : [...columns, ...added];
}

function* folderTableItems(
  walk: Walk,
  folder: Folder,
  found: FolderTable,
  { name, stamp }: { readonly name: string; readonly stamp: string | undefined },
): Generator<FoundItem> {
  const { table, files, bytes, refused } = found.parts;
  const urn = datasetUrn(name);
  // Without a described part the URN goes with each refusal, so that the table counts as seen.
  yield* found.aside;
  yield* table === undefined ? refused.map((refusal) => ({ ...refusal, urn })) : refused;
  const aside = found.aside.filter((item) => item.kind === 'refused');
  const failures = [...aside, ...refused];
  const path = `${folder.path}/`;
  if (table === undefined) {
    yield unreadState(urn, path, failures);
    return;
  }
  const title = titleOf(walk, folder);
  const columns = withPartitions(table.columns, found.partitions);
  const within = parentOf(folder.path);
  yield placeTable(
    walk,
    { ...table, columns },
    { name, title, path, folder: within, files, bytes, failures, stamp },
  );
}

/** A folder that says itself which files are its table. */
async function* markedItems(
  walk: Walk,
  folder: Folder,
  reader: FolderReader,
  name: string,
): AsyncGenerator<FoundItem> {
  const [path, urn] = [`${folder.path}/`, datasetUrn(name)];
  const stamp = await markerStamp(walk, folder, reader);
  if (stamp !== undefined && walk.isSame?.(urn, stamp) === true) {
    yield { kind: 'same', urn, path };
    return;
  }
  const answer = await orUnreadable(() => reader.describe(walk.tree, folder.path));
  if (isRefusal(answer)) {
    const refusal = refusalOf(path, answer, urn);
    yield refusal;
    yield unreadState(urn, path, [refusal]);
    return;
  }
  const title = titleOf(walk, folder);
  const within = parentOf(folder.path);
  yield placeTable(walk, answer, {
    ...{ name, title, path, folder: within, files: 0, bytes: 0, failures: [], stamp },
  });
}

/** A folder that cannot be listed may be a table: whatever it is, its container is where that is said. */
function* refusedFolder(path: string, refusal: TableRefusal): Generator<FoundItem> {
  const found = refusalOf(`${path}/`, refusal);
  yield found;
  if (path !== '') yield unreadState(containerUrn(path), `${path}/`, [found]);
}

async function* walkFolder(walk: Walk, path: string, above: Above, name: string): AsyncGenerator<FoundItem> {
  const folder = await readFolder(walk.tree, path, listing(walk));
  if ('refused' in folder) {
    yield* refusedFolder(path, folder);
    return;
  }
  if (path.split('/').length > folderDepthMax) {
    yield* refusedFolder(path, {
      refused: 'FILE_TOO_COMPLEX',
      reason: `folders deeper than ${folderDepthMax}`,
    });
    return;
  }
  const reader = walk.folderReaders.find(({ marker }) => folder.beside.includes(marker));
  if (reader !== undefined) {
    yield* giveFolders(walk, above);
    yield* markedItems(walk, folder, reader, name);
    return;
  }
  yield* folder.passedOver;
  const stamp = await folderStamp(walk, folder);
  if (stamp !== undefined && walk.isSame?.(datasetUrn(name), stamp) === true) {
    yield* giveFolders(walk, above);
    yield { kind: 'same', urn: datasetUrn(name), path: `${path}/` };
    return;
  }
  const table = await folderTable(walk, folder);
  if (table !== undefined) {
    yield* giveFolders(walk, above);
    yield* folderTableItems(walk, folder, table, { name, stamp });
    return;
  }
  const inside = path === '' ? above : [...above, { path, given: false }];
  yield* walkFiles(walk, folder, inside);
  const taken = new Set(folder.names.values());
  for (const child of folder.folders) {
    const below = path === '' ? child : `${path}/${child}`;
    const plain = nameOf(below);
    yield* walkFolder(walk, below, inside, taken.has(plain) ? `${plain}%2F` : plain);
  }
}

/**
 * Walks `tree` in the order of names and yields what it finds: folders before what lies in them, one dataset per table.
 * A folder is one table if it holds only part files (`isPartName`) of one format with the same columns, or only folders
 * `key=value` with such files below; otherwise each file is one. Entries `.x` are left out, entries `_x` and
 * symbolic links passed over. Memory: one folder's listing a level and `filesAtOnceMax` samples. The same bytes in the same
 * places yield the same items. Bad files are refusals; nothing is thrown for them.
 */
export async function* scanFolder(tree: FileTree, options: ScanOptions): AsyncGenerator<FoundItem> {
  const walk: Walk = {
    ...{
      tree,
      sample: sampleDefault,
      filesAtOnceMax: 8,
      seenAtMs: undefined,
      folderReaders: [],
      isSame: undefined,
    },
    ...options,
  };
  yield* walkFolder(walk, '', [], sourceName(options.source));
}
