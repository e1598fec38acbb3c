import { Fault, isFault } from '../../domain/fault.ts';
import { escapeBytesMax, escapedBytes, escapeInto } from '../../formats/json-writer.ts';
import type { ElasticsearchClient } from './client.ts';
import type { Source } from './documents.ts';

/** What the engine made of an entry: stored, kept out by a version, or refused for ever. */
export type BulkVerdict = 'stored' | 'conflict' | { readonly refused: string };

export interface BulkTarget {
  readonly client: ElasticsearchClient;
  /** Port name of the index, and the alias it is written by: a dropped index is not made again by a write. */
  readonly index: string;
  readonly writeAlias: string;
  /** At most two requests at a time for all indexes: more are slower, measured. */
  readonly slots: Slots;
  /** Those to be taken in their place while others search and this index is filled: shorter requests, one at a time. */
  readonly gentleSlots: () => Promise<Slots | undefined>;
  readonly wait: (waitMs: number) => Promise<unknown>;
}

interface BulkItem {
  readonly status: number;
  readonly error?: { readonly type: string; readonly reason?: string };
}

interface BulkAnswer {
  readonly items: readonly { readonly index: BulkItem }[];
}

/** Larger bodies strain the engine's heap: 15 MB took three times as long per document. */
const bodyBytesMax = 5_000_000;
/** An engine that refuses bodies of this length as a whole is too busy for any. */
const bodyBytesLeast = 65_536;
/** So many bodies in a row have to be taken before they get longer again. */
const takenToGrow = 64;
const [attemptsMax, firstWaitMs] = [7, 50];

/** One NDJSON pair: the action with its line end, and the source of a document, or any other as whole text. */
export interface BulkLine {
  readonly action: string;
  readonly source: Source | string;
}

const beforeFields = Buffer.from(',"fields":');
const beforeText = Buffer.from(',"body":"');
const afterText = Buffer.from('"}\n');
const textPartsBytes = beforeText.length + afterText.length;
const beforePlain = ',"body":[';
const afterPlain = Buffer.from(']}\n');
const plainBytes = ({ length }: Uint8Array): number =>
  beforePlain.length + String(length).length + 1 + length + afterPlain.length;
const fieldsBytes = (fields: Uint8Array | null): number =>
  fields === null ? 0 : beforeFields.length + fields.length;

/** The action that stores what follows it unless `engineId` is there at the same or a higher version. */
export const indexAction = (engineId: string, version: number): string =>
  `{"index":{"_id":${JSON.stringify(engineId)},"version":${version},"version_type":"external"}}\n`;

/**
 * Sends lines in bodies of at most 5 MB, shorter ones after the engine refused a whole one (a line that is larger goes alone),
 * and reads every item of every answer; verdicts stand in the order of the lines. Lines are taken as bodies go, so at most three
 * bodies are in memory, as bytes. What the engine was too busy for goes again, alone, a bounded number of times. Every answer is
 * read before a fault of one body is thrown.
 */
export async function sendBulk(given: BulkTarget, lines: Iterable<BulkLine>): Promise<BulkVerdict[]> {
  const target = { ...given, slots: (await given.gentleSlots()) ?? given.slots };
  const sent: Promise<BulkVerdict[]>[] = [];
  let failed = false;
  for (const body of bodies(lines, target.slots)) {
    const release = await target.slots.take();
    if (failed) {
      release();
      break;
    }
    const sending = sendBody(target, body).finally(release);
    sending.catch(() => {
      failed = true;
    });
    sent.push(sending);
  }
  const outcomes = await Promise.allSettled(sent);
  return outcomes.flatMap((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

/** Lines as bytes, one after the other; `ends` are their exclusive ends. `memory` is what the bytes lie in. */
interface Body {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
  readonly memory: Buffer;
}

const firstBytes = 64 * 1_024;
/** UTF-8 takes at most so many bytes for a UTF-16 unit. */
const unitBytesMax = 3;

function* bodies(lines: Iterable<BulkLine>, { spare, length }: Slots): Generator<Body, undefined> {
  const fresh = (): Buffer => spare.pop() ?? Buffer.allocUnsafeSlow(firstBytes);
  let memory = fresh();
  let ends: number[] = [];
  let at = 0;
  const body = (): Body => ({ bytes: memory.subarray(0, at), ends, memory });
  for (const line of lines) {
    if (at > 0 && at + bytesMost(line) > length.max() && at + bytesOf(line) > length.max()) {
      yield body();
      [memory, ends, at] = [fresh(), [], 0];
    }
    memory = withRoom(memory, at, line);
    at = writeLine(memory, at, line);
    ends.push(at);
  }
  if (at > 0) yield body();
}

/**
 * Writes a pair where there is room for `bytesOf` it; returns its exclusive end. A body that can stands in it as it is, in a list
 * behind its size in bytes: a string would have each byte looked at when it is written, and again when it is read.
 */
export function writeLine(memory: Buffer, at: number, { action, source }: BulkLine): number {
  const afterAction = at + memory.write(action, at, 'utf8');
  if (typeof source === 'string') return afterAction + memory.write(`${source}\n`, afterAction, 'utf8');
  let to = afterAction + memory.write(source.head, afterAction, 'utf8');
  const put = (bytes: Uint8Array): void => {
    memory.set(bytes, to);
    to += bytes.length;
  };
  if (source.fields !== null) {
    put(beforeFields);
    put(source.fields);
  }
  if (source.isPlain) {
    to += memory.write(`${beforePlain}${source.body.length},`, to, 'latin1');
    put(source.body);
    put(afterPlain);
    return to;
  }
  put(beforeText);
  to = escapeInto(memory, to, source.body);
  put(afterText);
  return to;
}

/** At most so many bytes: without looking at each. */
const bytesMost = ({ action, source }: BulkLine): number =>
  typeof source === 'string'
    ? (action.length + source.length + 1) * unitBytesMax
    : (action.length + source.head.length) * unitBytesMax +
      fieldsBytes(source.fields) +
      (source.isPlain ? plainBytes(source.body) : source.body.length * escapeBytesMax + textPartsBytes);

/** So many bytes a pair takes. */
export const bytesOf = ({ action, source }: BulkLine): number =>
  typeof source === 'string'
    ? Buffer.byteLength(action) + Buffer.byteLength(source) + 1
    : Buffer.byteLength(action) +
      Buffer.byteLength(source.head) +
      fieldsBytes(source.fields) +
      (source.isPlain ? plainBytes(source.body) : escapedBytes(source.body) + textPartsBytes);

/** `memory` itself, or a larger copy of what is in it up to `at`. */
function withRoom(memory: Buffer, at: number, line: BulkLine): Buffer {
  if (at + bytesMost(line) <= memory.length) return memory;
  const needed = at + bytesOf(line);
  if (needed <= memory.length) return memory;
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(2 * memory.length, bodyBytesMax)));
  memory.copy(larger, 0, 0, at);
  return larger;
}

const lineOf = ({ bytes, ends }: Body, n: number): Buffer =>
  bytes.subarray(n === 0 ? 0 : ends[n - 1], ends[n]);

async function sendBody(target: BulkTarget, body: Body): Promise<BulkVerdict[]> {
  const verdicts: BulkVerdict[] = new Array(body.ends.length);
  let waiting = body.ends.map((_, n) => n);
  let lines = body.bytes;
  for (let attempt = 1; ; attempt++) {
    const items = await askBulk(target, lines, waiting.length);
    const again: number[] = [];
    let busy = '';
    for (const [m, item] of items.entries()) {
      const verdict = verdictOf(target, item);
      if (typeof verdict === 'object' && 'busy' in verdict) {
        again.push(waiting[m]!);
        busy = verdict.busy;
      } else verdicts[waiting[m]!] = verdict;
    }
    if (again.length === 0) {
      target.slots.keep(body.memory);
      return verdicts;
    }
    if (attempt === attemptsMax)
      throw new Fault('MODEL_UNAVAILABLE', {
        index: target.index,
        notStored: again.length,
        attempts: attempt,
        why: busy,
      });
    waiting = again;
    lines = Buffer.concat(waiting.map((n) => lineOf(body, n)));
    await target.wait(firstWaitMs * 2 ** (attempt - 1));
  }
}

async function askBulk(target: BulkTarget, lines: Buffer, count: number): Promise<readonly BulkItem[]> {
  const { length } = target.slots;
  const asked = target.client.request<BulkAnswer>({
    method: 'POST',
    path: `/${target.writeAlias}/_bulk`,
    query: {
      require_alias: true,
      filter_path: 'items.index.status,items.index.error.type,items.index.error.reason',
    },
    lines,
    index: target.index,
  });
  const { items } = await asked.catch((error: unknown) => {
    if (isFault(error, 'MODEL_UNAVAILABLE') && error.facts.status === tooMany) length.refused(lines.length);
    throw error;
  });
  length.taken();
  if (items.length !== count) throw new Error(`Elasticsearch answered ${items.length} items to ${count}`);
  return items.map(({ index }) => index);
}

function verdictOf(target: BulkTarget, { status, error }: BulkItem): BulkVerdict | { readonly busy: string } {
  if (status === 200 || status === 201) return 'stored';
  if (status === 409) return 'conflict';
  const why = `${status} ${error?.type} ${error?.reason ?? ''}`;
  if (status === 400) return { refused: why };
  if (error?.type === 'index_not_found_exception')
    throw new Fault('MODEL_UNAVAILABLE', { missing: target.index });
  // 403: the disk is full and the index read-only. All else is a state of the engine that may pass.
  return { busy: why };
}

/** How long bodies may be: less each time the engine has no room for one, as before once it takes them again. */
interface BodyLength {
  max(): number;
  refused(bytes: number): void;
  taken(): void;
}

const tooMany = 429;

function bodyLength(bytesMax: number): BodyLength {
  let [max, taken] = [bytesMax, 0];
  return {
    max: () => max,
    refused(bytes) {
      // Two that were under way together say it once.
      max = Math.max(bodyBytesLeast, Math.min(max, Math.floor(bytes / 2)));
      taken = 0;
    },
    taken() {
      if (max === bytesMax) return;
      taken += 1;
      if (taken < takenToGrow) return;
      [max, taken] = [Math.min(bytesMax, 2 * max), 0];
    },
  };
}

/** A bounded number of permits, given in the order they were asked for. */
export interface Slots {
  readonly length: BodyLength;
  take(): Promise<() => void>;
  /** Memory of bodies that were answered, for the next ones: it would be freed by chance only. */
  readonly spare: Buffer[];
  keep(memory: Buffer): void;
}

export function slots(most: number, bytesMax = bodyBytesMax): Slots {
  const queue: (() => void)[] = [];
  const spare: Buffer[] = [];
  let free = most;
  const release = (): void => {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    ...{ spare, length: bodyLength(bytesMax) },
    keep(memory) {
      if (spare.length <= most && memory.length <= bodyBytesMax) spare.push(memory);
    },
    async take() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => queue.push(resolve));
      let released = false;
      return () => {
        if (!released) release();
        released = true;
      };
    },
  };
}
