import type { FileTree } from './file-tree.ts';
import type { Table, TableRefusal } from './table-reader.ts';

/**
 * Reads the shape of a table that is a folder and says itself which files belong to it. Laws as those of `TableReader`: bad
 * content is a refusal or a problem, the only rejection is `FILE_UNREADABLE`, memory is bounded whatever the files hold.
 */
export interface FolderReader {
  readonly format: string;
  /** The folder within that makes a folder such a table. */
  readonly marker: string;
  describe(tree: FileTree, folder: string): Promise<Table | TableRefusal>;
}
