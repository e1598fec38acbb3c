import { Fault, isFault } from '../domain/fault.ts';
import { partitionMax } from '../domain/position.ts';
import { AvroReader } from '../formats/avro-bytes.ts';
import {
  asInvalid,
  type CapturedEvent,
  captureBounds,
  readCaptureBlock,
  readCaptureHeader,
} from '../formats/capture.ts';
import type { FileTree, OpenFile } from '../ports/file-tree.ts';

export const captureLayout =
  '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}';

/** One file of one partition of one hub. */
export interface CaptureFile {
  readonly path: string;
  readonly partition: number;
  /** Namespace and hub, as far as its path says them. */
  readonly hub: string;
}

const filesMax = 1_000_000;
const depthMax = 32;

/**
 * Patterns of paths by a layout as Capture is configured with: whole, or without its first folders, for a folder that lies
 * deeper. Throws `CAPTURE_INVALID` for a layout without {PartitionId}, and for one that has it twice, or hub or namespace.
 */
export function pathPatterns(layout: string): readonly RegExp[] {
  const named = layout.match(/\{(?:Namespace|EventHub|PartitionId)\}/g) ?? [];
  if (new Set(named).size < named.length)
    throw new Fault('CAPTURE_INVALID', { layout, reason: 'it has a part twice' });
  const segments = layout.split('/');
  const patterns: RegExp[] = [];
  for (let from = 0; from < segments.length; from += 1) {
    const rest = segments.slice(from).join('/');
    if (!rest.includes('{PartitionId}')) break;
    const parts = rest.split(/(\{[A-Za-z]+\})/).map((part) => {
      if (part === '{PartitionId}') return '(?<partition>[0-9]{1,4})';
      if (part === '{Namespace}') return '(?<namespace>[^/]+)';
      if (part === '{EventHub}') return '(?<hub>[^/]+)';
      return /^\{[A-Za-z]+\}$/.test(part) ? '[0-9]+' : part.replace(/[^A-Za-z0-9/]/g, '\\$&');
    });
    patterns.push(new RegExp(`^${parts.join('')}\\.avro$`));
  }
  if (patterns.length === 0)
    throw new Fault('CAPTURE_INVALID', { layout, reason: 'it has no {PartitionId}' });
  return patterns;
}

/**
 * All files below a folder, by partition; the ids of partitions are numbers. What is no `.avro` is passed over. Throws
 * `CAPTURE_INVALID` for a file that the layout has not, and where files of two hubs lie together; `CAPTURE_EMPTY` where there
 * is none.
 */
export async function captureFiles(
  tree: FileTree,
  layout: string,
  signal: AbortSignal,
): Promise<readonly CaptureFile[]> {
  const patterns = pathPatterns(layout);
  const files: CaptureFile[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    signal.throwIfAborted();
    if (depth > depthMax) throw new Fault('CAPTURE_INVALID', { file: folder, reason: 'folders too deep' });
    const entries = (await tree.list(folder)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name, kind } of entries) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (kind === 'folder') await walk(path, depth + 1);
      else if (name.endsWith('.avro')) files.push(fileAt(path, patterns));
      if (files.length > filesMax)
        throw new Fault('CAPTURE_INVALID', { reason: 'more than a million files' });
    }
  };
  await walk('', 0);
  const hubs = new Set(files.map(({ hub }) => hub));
  if (files.length === 0) throw new Fault('CAPTURE_EMPTY', { place: tree.place });
  if (hubs.size > 1)
    throw new Fault('CAPTURE_INVALID', {
      reason: `files of several hubs: ${[...hubs].slice(0, 5).join(', ')}`,
    });
  return files;
}

function fileAt(path: string, patterns: readonly RegExp[]): CaptureFile {
  for (const pattern of patterns) {
    const found = pattern.exec(path)?.groups;
    const partition = Number(found?.partition ?? Number.NaN);
    if (found === undefined || !(partition <= partitionMax)) continue;
    return { path, partition, hub: [found.namespace, found.hub].filter(Boolean).join('/') };
  }
  throw new Fault('CAPTURE_INVALID', { file: path, reason: 'its path is not of the layout' });
}

/**
 * The events of a file, block by block, in the order of the file. Throws `CAPTURE_INVALID` with file and byte for what is no
 * file of Capture or was cut off, `FILE_UNREADABLE` for what cannot be read.
 */
export async function* eventsOf(tree: FileTree, path: string): AsyncGenerator<CapturedEvent, void> {
  await using opened = await tree.open(path);
  const file = windowOf(opened);
  let at = 0;
  try {
    const layout = readCaptureHeader(await file.read(0, captureBounds.headerBytesMax));
    at = layout.start;
    while (at < file.bytes) {
      const { stored, count, next } = await blockAt(file, at, layout.sync);
      yield* readCaptureBlock(stored, count, layout);
      at = next;
    }
  } catch (error) {
    const told = asInvalid(error, 'block');
    if (!isFault(told, 'CAPTURE_INVALID')) throw told;
    throw new Fault('CAPTURE_INVALID', { file: path, at, reason: told.facts.reason }, error);
  }
}

type Ranges = Pick<OpenFile, 'bytes' | 'read'>;

/** Blocks may be small, and each read a request: so much is read at once. */
const windowBytes = 4 * 1024 * 1024;

/** A file that is read from its beginning to its end, a window at a time. */
function windowOf({ bytes, read }: Ranges): Ranges {
  let [start, held] = [0, Buffer.alloc(0)];
  return {
    bytes,
    async read(offset, length) {
      const end = Math.min(offset + length, bytes);
      if (offset < start || end > start + held.length) {
        held = Buffer.from(await read(offset, Math.max(length, windowBytes)));
        start = offset;
      }
      return held.subarray(offset - start, end - start);
    },
  };
}

/** Two numbers of Avro, ten bytes each at most. */
const frontBytesMax = 20;

async function blockAt(
  file: Ranges,
  at: number,
  sync: Buffer,
): Promise<{ readonly stored: Buffer; readonly count: number; readonly next: number }> {
  const front = new AvroReader(await file.read(at, frontBytesMax));
  const [count, size] = [front.long(), front.long()];
  if (count < 0 || size < 0 || size > captureBounds.blockBytesMax)
    throw front.invalid(`a block of ${count} records, ${size} bytes`);
  const start = at + front.at;
  const next = start + size + sync.length;
  if (next > file.bytes) throw front.invalid('the file ends inside a block');
  const found = Buffer.from(await file.read(start, size + sync.length));
  if (found.length < size + sync.length) throw front.invalid('the file ends inside a block');
  if (!found.subarray(size).equals(sync)) throw front.invalid('another sync marker, or none');
  return { stored: found.subarray(0, size), count, next };
}
