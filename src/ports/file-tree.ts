import type { TableFile } from './table-reader.ts';

export interface TreeEntry {
  readonly name: string;
  /** `link`: a symbolic link, never followed. `special`: a device, socket or pipe, never opened. */
  readonly kind: 'folder' | 'file' | 'link' | 'special';
  /** Of a file, where it was asked for: another one whenever its bytes may be others. Absent where nobody can say yet. */
  readonly stamp?: string;
}

export interface OpenFile extends TableFile, AsyncDisposable {}

/** Folders and files to be scanned. Paths are relative to the root, `/` between segments, '' for the root. */
export interface FileTree {
  /** For people: folder or account and container. No secrets. */
  readonly place: string;
  /**
   * What stands directly in `folder`, in any order. Rejects with `FILE_UNREADABLE` where it cannot be listed. A name
   * that is not valid Unicode holds U+FFFD and cannot be opened. `stamped`: with the stamps of files.
   */
  list(folder: string, stamped?: boolean): Promise<readonly TreeEntry[]>;
  /**
   * Opens a file for reading. Rejects with `FILE_UNREADABLE` where it is missing, not allowed, a link, or no plain file.
   */
  open(path: string): Promise<OpenFile>;
}
