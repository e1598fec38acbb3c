import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type SchemaElement,
  snappyUncompress,
} from 'hyparquet';
import type { FromCheckpoint, ToCheckpoint } from './delta-checkpoint.ts';
import { type GatheredFiles, noFiles, takeFile } from './delta-files.ts';

const pageBytesMax = 64 * 1024 * 1024;

const bounded = (bytes: number): number => {
  if (bytes > pageBytesMax) throw new Error(`a page of ${bytes} bytes`);
  return bytes;
};

/** Every codec that engines write checkpoints with, each within what a page may take. */
const compressors = {
  SNAPPY: (input: Uint8Array, bytes: number) => {
    const output = new Uint8Array(bounded(bytes));
    snappyUncompress(input, output);
    return output;
  },
  ZSTD: (input: Uint8Array, bytes: number) =>
    zstdDecompressSync(input, { maxOutputLength: bounded(bytes) || 1 }),
  GZIP: (input: Uint8Array, bytes: number) => gunzipSync(input, { maxOutputLength: bounded(bytes) || 1 }),
  BROTLI: (input: Uint8Array, bytes: number) =>
    brotliDecompressSync(input, { maxOutputLength: bounded(bytes) || 1 }),
};

const port = parentPort!;
const { parts, seen } = workerData as ToCheckpoint;
const say = (message: FromCheckpoint): void => port.postMessage(message);

/** Ranges of a part come from the thread that has it open. */
function remote(part: number, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    slice(start, end = byteLength) {
      const { promise, resolve, reject } = Promise.withResolvers<ArrayBuffer>();
      const { port1, port2 } = new MessageChannel();
      port1.once('message', (data: ArrayBuffer | null) => {
        port1.close();
        if (data === null) reject(new Error('a range that cannot be read'));
        else resolve(data);
      });
      port.postMessage({ part, start, end, port: port2 } satisfies FromCheckpoint, [port2]);
      return promise;
    },
  };
}

/** Leaves of `add` that are looked at: partition values and parsed statistics stay where they are. */
const wanted = new Set(['path', 'size', 'stats', 'deletionVector']);

/** The same metadata without those leaves, in the schema and in every row group. */
function lean(metadata: FileMetaData): FileMetaData {
  const schema: SchemaElement[] = [];
  const visit = (at: number, path: readonly string[]): number => {
    const element = metadata.schema[at]!;
    const keep = !(path[0] === 'add' && path.length === 2 && !wanted.has(path[1]!));
    const own = schema.length;
    if (keep) schema.push({ ...element });
    let [next, children] = [at + 1, 0];
    for (let i = 0; i < (element.num_children ?? 0); i += 1) {
      const [before, name] = [schema.length, metadata.schema[next]!.name];
      next = visit(next, [...path, name]);
      if (schema.length > before) children += 1;
    }
    if (!keep) schema.length = own;
    else if (element.num_children !== undefined) schema[own]!.num_children = children;
    return next;
  };
  visit(0, []);
  const isKept = ([top, below]: readonly string[]): boolean => top !== 'add' || wanted.has(below!);
  return {
    ...metadata,
    schema,
    row_groups: metadata.row_groups.map((group) => ({
      ...group,
      columns: group.columns.filter(
        ({ meta_data }) => meta_data !== undefined && isKept(meta_data.path_in_schema),
      ),
    })),
  };
}

const rowOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** What the whole version says of the table itself: a row each, whatever else it holds. */
async function tellTable(file: AsyncBuffer, metadata: FileMetaData): Promise<void> {
  const names = new Set(metadata.schema.map(({ name }) => name));
  const columns = ['metaData', 'protocol'].filter((name) => names.has(name));
  if (columns.length === 0) return;
  for (const row of await parquetReadObjects({ file, metadata, columns, compressors })) {
    const { metaData, protocol } = row;
    if (metaData !== null && metaData !== undefined) say({ metaData: rowOf(metaData) });
    if (protocol !== null && protocol !== undefined) say({ protocol: rowOf(protocol) });
  }
}

async function gather(
  file: AsyncBuffer,
  metadata: FileMetaData,
  known: ReadonlySet<string>,
  all: GatheredFiles,
): Promise<void> {
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    const rows = await parquetReadObjects({
      ...{ file, columns: ['add'], rowStart, rowEnd, compressors },
      metadata,
    });
    for (const row of rows) {
      if (row.add === null || row.add === undefined) continue;
      const { path, size, stats, deletionVector } = rowOf(row.add);
      if (typeof path !== 'string' || known.has(path)) continue;
      const removed = Number(rowOf(deletionVector).cardinality ?? 0);
      takeFile(all, { bytes: Number(size), stats, removed });
    }
    rowStart = rowEnd;
  }
}

try {
  const known = new Set(seen);
  const files = parts.map(({ bytes }, part) => remote(part, bytes));
  const opened = await Promise.all(files.map((file) => parquetMetadataAsync(file, { geoparquet: false })));
  for (const [part, metadata] of opened.entries()) await tellTable(files[part]!, metadata);
  const elsewhere = opened.some(({ schema }) => schema.some(({ name }) => name === 'sidecar'));
  const all = noFiles();
  for (const [part, metadata] of opened.entries()) await gather(files[part]!, lean(metadata), known, all);
  say({ files: elsewhere && all.files === 0 ? undefined : all });
} catch (error) {
  // Whatever the library makes of bytes that lie, it is their fault: the other thread says so.
  say({ failed: error instanceof Error ? error.message : String(error) });
}
port.close();
