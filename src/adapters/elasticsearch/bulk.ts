import { Fault } from '../../domain/fault.ts';
import type { ElasticsearchClient } from './client.ts';

/** One thing to index: its line is the whole NDJSON pair, action and source. */
export interface BulkEntry {
  readonly engineId: string;
  readonly line: string;
}

/** What the engine made of an entry: stored, kept out by a version, or refused for ever. */
export type BulkVerdict = 'stored' | 'conflict' | { readonly refused: string };

export interface BulkTarget {
  readonly client: ElasticsearchClient;
  /** Port name of the index, and the alias it is written by: a dropped index is not made again by a write. */
  readonly index: string;
  readonly writeAlias: string;
  /** At most two requests at a time for all indexes: more are slower, measured. */
  readonly slots: Slots;
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
const attemptsMax = 7;
const firstWaitMs = 50;

/** The NDJSON pair that stores `source` unless `engineId` is there at the same or a higher version. */
export const indexLine = (engineId: string, version: number, source: string): string =>
  `{"index":{"_id":${JSON.stringify(engineId)},"version":${version},"version_type":"external"}}\n${source}\n`;

/**
 * Sends entries in bodies of at most 5 MB (one larger entry goes alone) and reads every item of every answer; verdicts
 * stand in the order of the entries. Entries are taken as bodies go, so at most three are in memory. What the engine was too
 * busy for goes again, alone, a bounded number of times. Every answer is read before a fault of one body is thrown.
 */
export async function sendBulk(target: BulkTarget, entries: Iterable<BulkEntry>): Promise<BulkVerdict[]> {
  const sent: Promise<BulkVerdict[]>[] = [];
  let failed = false;
  for (const body of bodies(entries)) {
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

function* bodies(entries: Iterable<BulkEntry>): Generator<BulkEntry[], undefined> {
  let body: BulkEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const more = Buffer.byteLength(entry.line);
    if (body.length > 0 && bytes + more > bodyBytesMax) {
      yield body;
      body = [];
      bytes = 0;
    }
    body.push(entry);
    bytes += more;
  }
  if (body.length > 0) yield body;
}

async function sendBody(target: BulkTarget, entries: readonly BulkEntry[]): Promise<BulkVerdict[]> {
  const verdicts: BulkVerdict[] = new Array(entries.length);
  let waiting = entries.map((_, n) => n);
  for (let attempt = 1; ; attempt++) {
    const items = await askBulk(
      target,
      waiting.map((n) => entries[n]!),
    );
    const again: number[] = [];
    let busy = '';
    for (const [m, item] of items.entries()) {
      const verdict = verdictOf(target, item);
      if (typeof verdict === 'object' && 'busy' in verdict) {
        again.push(waiting[m]!);
        busy = verdict.busy;
      } else verdicts[waiting[m]!] = verdict;
    }
    if (again.length === 0) return verdicts;
    if (attempt === attemptsMax)
      throw new Fault('MODEL_UNAVAILABLE', {
        index: target.index,
        notStored: again.length,
        attempts: attempt,
        why: busy,
      });
    waiting = again;
    await target.wait(firstWaitMs * 2 ** (attempt - 1));
  }
}

async function askBulk(target: BulkTarget, entries: readonly BulkEntry[]): Promise<readonly BulkItem[]> {
  const { items } = await target.client.request<BulkAnswer>({
    method: 'POST',
    path: `/${target.writeAlias}/_bulk`,
    query: {
      require_alias: true,
      filter_path: 'items.index.status,items.index.error.type,items.index.error.reason',
    },
    lines: Buffer.from(entries.map(({ line }) => line).join('')),
    index: target.index,
  });
  if (items.length !== entries.length)
    throw new Error(`Elasticsearch answered ${items.length} items to ${entries.length}`);
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

/** A bounded number of permits, given in the order they were asked for. */
export interface Slots {
  take(): Promise<() => void>;
}

export function slots(most: number): Slots {
  const queue: (() => void)[] = [];
  let free = most;
  const release = (): void => {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
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
