import { type MessagePort, Worker } from 'node:worker_threads';
import { isFault } from '../../domain/fault.ts';
import type { TableFile, TableRefusal } from '../../ports/table-reader.ts';
import type { GatheredFiles } from './delta-files.ts';
import { footerBytes } from './parquet.ts';
import { readFooter } from './parquet-footer.ts';
import { BadThrift } from './thrift-compact.ts';

export interface ToCheckpoint {
  readonly parts: readonly { readonly bytes: number }[];
  /** Paths that later commits speak of. */
  readonly seen: readonly string[];
}

export type FromCheckpoint =
  | { readonly part: number; readonly start: number; readonly end: number; readonly port: MessagePort }
  | { readonly metaData: Readonly<Record<string, unknown>> }
  | { readonly protocol: Readonly<Record<string, unknown>> }
  /** Undefined: it names its files elsewhere. */
  | { readonly files: GatheredFiles | undefined }
  | { readonly failed: string };

export interface DeltaCheckpointContent {
  readonly metaData: Readonly<Record<string, unknown>> | undefined;
  readonly protocol: Readonly<Record<string, unknown>> | undefined;
  /** Undefined: too many of them, or named elsewhere. */
  readonly files: GatheredFiles | undefined;
}

export interface CheckpointBounds {
  readonly heapMiBMax: number;
  readonly waitMaxMs: number;
}

export const checkpointBounds: CheckpointBounds = { heapMiBMax: 256, waitMaxMs: 60_000 };
const rangeBytesMax = 64 * 1024 * 1024;

const malformed = (reason: string): TableRefusal => ({
  refused: 'FILE_MALFORMED',
  reason: `its checkpoint: ${reason.slice(0, 200)}`,
});

/** Why a part is no Parquet file of sound size, before any library sees it. */
async function footerRefusal(file: TableFile): Promise<TableRefusal | undefined> {
  const footer = await footerBytes(file);
  if ('refused' in footer) return { ...footer, reason: `its checkpoint: ${footer.reason}` };
  try {
    readFooter(footer.bytes, footer.start);
    return undefined;
  } catch (error) {
    if (!(error instanceof BadThrift)) throw error;
    return malformed(error.message);
  }
}

/**
 * Reads a checkpoint of Parquet files in a thread with a heap of its own: pages may claim any number of values, and whatever
 * they claim ends with that thread. What was told before it ended counts: the table without its files.
 */
export async function readCheckpoint(
  files: readonly TableFile[],
  seen: ReadonlySet<string>,
  bounds: CheckpointBounds = checkpointBounds,
): Promise<DeltaCheckpointContent | TableRefusal> {
  for (const file of files) {
    const refusal = await footerRefusal(file);
    if (refusal !== undefined) return refusal;
  }
  const found: { -readonly [K in keyof DeltaCheckpointContent]: DeltaCheckpointContent[K] } = {
    ...{ metaData: undefined, protocol: undefined, files: undefined },
  };
  const asked: ToCheckpoint = { parts: files.map(({ bytes }) => ({ bytes })), seen: [...seen] };
  const worker = new Worker(new URL('./delta-checkpoint-worker.ts', import.meta.url), {
    workerData: asked,
    resourceLimits: { maxOldGenerationSizeMb: bounds.heapMiBMax, maxYoungGenerationSizeMb: 16 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve(`not read in ${bounds.waitMaxMs} ms`), bounds.waitMaxMs);
  worker.on('message', (message: FromCheckpoint) => {
    if ('part' in message) answer(files[message.part]!, message).catch(reject);
    else if ('failed' in message) resolve(message.failed);
    else {
      Object.assign(found, message);
      if ('files' in message) resolve(undefined);
    }
  });
  worker.on('error', (error: Error) => resolve(error.message));
  worker.on('exit', () => resolve('it ended'));
  try {
    const failed = await promise;
    return failed !== undefined && found.metaData === undefined ? malformed(failed) : found;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

async function answer(
  file: TableFile,
  { start, end, port }: { readonly start: number; readonly end: number; readonly port: MessagePort },
): Promise<void> {
  try {
    const sound = start >= 0 && end >= start && end <= file.bytes && end - start <= rangeBytesMax;
    if (!sound) port.postMessage(null);
    else {
      // A copy of its own: what is read may be a view into more.
      const bytes = new Uint8Array(await file.read(start, end - start)).slice().buffer;
      port.postMessage(bytes, [bytes]);
    }
  } catch (error) {
    port.postMessage(null);
    if (!isFault(error, 'FILE_UNREADABLE')) throw error;
  } finally {
    port.close();
  }
}
