import type { FolderReader } from '../../ports/folder-reader.ts';
import type { TableReader } from '../../ports/table-reader.ts';
import { avroReader } from './avro.ts';
import { csvReader } from './csv.ts';
import { deltaReader } from './delta.ts';
import { jsonReader } from './json.ts';
import { ndjsonReader } from './ndjson.ts';
import { parquetReader } from './parquet.ts';

/** Every format a scan knows; a file goes to the first that lists its extension. */
export const tableReaders: readonly TableReader[] = [
  csvReader,
  jsonReader,
  ndjsonReader,
  parquetReader,
  avroReader,
];

/** Every format that is a folder. */
export const folderReaders: readonly FolderReader[] = [deltaReader];
