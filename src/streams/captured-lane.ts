import type { LogRecord } from '../domain/event.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { CapturedEvent } from '../formats/capture.ts';
import { checkEvent, eventSchemaSha256 } from '../formats/event.ts';
import { payloadStart } from '../formats/framing.ts';
import { encodeRecord } from '../formats/segment.ts';
import type { FileTree } from '../ports/file-tree.ts';
import { type CaptureFile, eventsOf } from './capture-files.ts';

/** A file with the sequence number of its first event. */
export interface OrderedFile {
  readonly path: string;
  readonly first: number;
}

/** Files of a partition that hold events, by the first one of each, whatever their names say. */
export async function inOrder(
  tree: FileTree,
  files: readonly CaptureFile[],
  signal: AbortSignal,
): Promise<readonly OrderedFile[]> {
  const ordered: OrderedFile[] = [];
  for (const { path } of files) {
    signal.throwIfAborted();
    const events = eventsOf(tree, path);
    const { value, done } = await events.next();
    await events.return();
    if (done !== true) ordered.push({ path, first: value.sequence });
  }
  return ordered.toSorted((a, b) => a.first - b.first || (a.path < b.path ? -1 : 1));
}

/** Files of one partition that reach over one another. */
const filesAtOnceMax = 16;

interface Cursor {
  readonly path: string;
  readonly events: AsyncGenerator<CapturedEvent, void>;
  head: CapturedEvent;
}

/**
 * The events of one partition, each sequence number once and ascending. Where files overlap or are there twice they have to
 * hold the same (`CAPTURE_CONFLICT`); `onRepeated` is told. Within a file numbers ascend, else `CAPTURE_INVALID`.
 */
export async function* mergedEvents(
  tree: FileTree,
  files: readonly OrderedFile[],
  onRepeated: () => void,
): AsyncGenerator<CapturedEvent, void> {
  const open: Cursor[] = [];
  let at = 0;
  try {
    for (;;) {
      let least = leastOf(open);
      for (let file = files[at]; file !== undefined; file = files[at]) {
        if (least !== undefined && file.first > least.head.sequence) break;
        if (open.length === filesAtOnceMax)
          throw invalid(file.path, `more than ${filesAtOnceMax} files overlap at ${file.first}`);
        open.push(await opened(tree, file.path));
        at += 1;
        // A file may have what the others leave out: it begins before what they go on with.
        least = leastOf(open);
      }
      if (least === undefined) return;
      const { head } = least;
      for (const cursor of open.filter((one) => one !== least && one.head.sequence === head.sequence)) {
        if (!encodeRecord(cursor.head.record).equals(encodeRecord(head.record)))
          throw new Fault('CAPTURE_CONFLICT', {
            ...{ sequence: head.sequence, file: cursor.path, other: least.path },
          });
        onRepeated();
        await advance(cursor, open);
      }
      yield head;
      await advance(least, open);
    }
  } finally {
    for (const { events } of open) await events.return();
  }
}

const leastOf = (open: readonly Cursor[]): Cursor | undefined =>
  open.toSorted((a, b) => a.head.sequence - b.head.sequence)[0];

const invalid = (file: string, reason: string): Fault => new Fault('CAPTURE_INVALID', { file, reason });

async function opened(tree: FileTree, path: string): Promise<Cursor> {
  const events = eventsOf(tree, path);
  const { value, done } = await events.next();
  if (done === true) throw invalid(path, 'it holds less than a moment ago');
  return { path, events, head: value };
}

async function advance(cursor: Cursor, open: Cursor[]): Promise<void> {
  const { value, done } = await cursor.events.next();
  if (done === true) open.splice(open.indexOf(cursor), 1);
  else if (value.sequence <= cursor.head.sequence)
    throw invalid(cursor.path, `SequenceNumber ${value.sequence} follows ${cursor.head.sequence}`);
  else cursor.head = value;
}

const epochName = Buffer.from('annal-epoch');
const schemaName = Buffer.from('annal-schema');

/**
 * A captured record as it is archived. Where Capture has no key, and the body is an event, the key is its URN, as intake
 * writes it. `asEvents`: an event without `annal-epoch` gets the headers of this epoch, by consent; else every record keeps
 * its own.
 */
export function toArchived(
  record: LogRecord,
  { epoch, asEvents }: { readonly epoch: number; readonly asEvents: boolean },
): LogRecord {
  const urn = urnIn(record.value);
  if (urn === undefined) return record;
  const key = record.key ?? Buffer.from(urn);
  const has = (wanted: Buffer): boolean => record.headers.some(([name]) => wanted.equals(name));
  if (!asEvents || has(epochName)) return { ...record, key };
  const headers = [...record.headers, [epochName, Buffer.from(String(epoch))] as const];
  if (!has(schemaName)) headers.push([schemaName, Buffer.from(eventSchemaSha256)]);
  return { ...record, key, headers };
}

/** The URN of an event of our schema, framed or bare; undefined for other bytes. */
function urnIn(value: Uint8Array | null): string | undefined {
  if (value === null) return undefined;
  try {
    return checkEvent(Buffer.from(value.subarray(payloadStart(value)))).urn;
  } catch (error) {
    if (isFault(error, 'AVRO_INVALID')) return undefined;
    throw error;
  }
}
