import { createHash } from 'node:crypto';
import type { FolderReader } from '../ports/folder-reader.ts';
import { orUnreadable } from './scan-files.ts';
import type { Folder } from './scan-folder.ts';
import { mayBeTable, partitionFiles, type Walk } from './scan-table-folder.ts';

/** One stamp for all files of a folder that is a table by its names; undefined where there is none, or nobody asks. */
export async function folderStamp(walk: Walk, folder: Folder): Promise<string | undefined> {
  if (walk.isSame === undefined || !mayBeTable(folder, walk.source)) return undefined;
  const digest = createHash('sha256');
  for await (const met of partitionFiles(walk, folder, [])) {
    if (met === 'torn') return undefined;
    if ('aside' in met) {
      if (met.aside.some(({ kind }) => kind === 'refused')) return undefined;
      continue;
    }
    const { path, stamp, reader } = met.file;
    if (stamp === undefined) return undefined;
    digest.update(`${JSON.stringify([path, stamp, reader.format])}\n`);
  }
  return digest.digest('base64url');
}

/** One stamp for a table that says itself what it is: of what its marker holds. */
export async function markerStamp(
  { tree, isSame }: Walk,
  { path }: Folder,
  { marker, format }: FolderReader,
): Promise<string | undefined> {
  if (isSame === undefined) return undefined;
  const listed = await orUnreadable(() => tree.list(path === '' ? marker : `${path}/${marker}`, true));
  if ('refused' in listed) return undefined;
  const files = listed.filter(({ kind }) => kind === 'file').sort((a, b) => (a.name < b.name ? -1 : 1));
  if (files.some(({ stamp }) => stamp === undefined)) return undefined;
  const digest = createHash('sha256').update(format);
  for (const { name, stamp } of files) digest.update(`${JSON.stringify([name, stamp])}\n`);
  return digest.digest('base64url');
}
