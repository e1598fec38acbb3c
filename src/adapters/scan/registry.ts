import type { TableReader } from '../../ports/table-reader.ts';
import { avroReader } from './avro.ts';
import { csvReader } from './csv.ts';
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
