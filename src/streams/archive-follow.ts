import { concatMap, defer, type Observable } from 'rxjs';
import type { LogRecord } from '../domain/event.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { recordHash } from '../formats/leaf.ts';
import { encodeRecord } from '../formats/segment.ts';
import type { Batch, Lane, LogReader } from '../ports/event-log.ts';
import { type ArchiveWriter, openArchiveWriter, yielded } from './archive-lane.ts';
import type { ArchiverOptions, LaneTask } from './archiver.ts';
import { drain } from './drain.ts';

export interface FollowOptions extends ArchiverOptions {
  readonly reader: LogReader;
  readonly partition: number;
  /** Once aborted: what is buffered is flushed, then the lane completes. */
  readonly signal: AbortSignal;
  readonly task: LaneTask;
  /** Called whenever the task's place changed. */
  readonly settle: () => void;
}

type Work = { readonly kind: 'batch'; readonly batch: Batch } | { readonly kind: 'flush' };

/**
 * One lane of the archiver: finds the archive's end, checks that the log still holds the record before it, and goes on
 * from there. Errors with `yielded` when another writer was first, with `LOG_FORK` when log and archive part.
 */
export function followLog(options: FollowOptions): Observable<void> {
  return defer(() => open(options)).pipe(concatMap((lane) => drain(lane.pull, lane.work)));
}

async function open(options: FollowOptions): Promise<{
  readonly pull: () => Promise<Work | undefined>;
  readonly work: (work: Work) => Promise<void>;
}> {
  const { clock, limits, log, name, onNotice, partition, reader, settle, signal, task } = options;
  const writer: ArchiveWriter = await openArchiveWriter(options, {
    topic: name,
    epoch: log.epoch,
    partition,
  });
  let source: Lane | undefined;
  let pending: Promise<Batch> | undefined;
  let checkHash = writer.end.lastHash;
  let bufferedSince: number | undefined;
  let drained = false;

  const place = (fault?: Fault): void => {
    Object.assign(task, { next: writer.end.next, sealed: writer.sealed, state: 'running', fault });
    settle();
  };
  // A store that takes nothing may be read all the same: its fault is over once something was written, or nothing has to be.
  const owes = isFault(task.fault, 'STORE_UNAVAILABLE') && writer.end.next < task.logEnd;
  place(owes ? task.fault : undefined);

  const fork = (offset: number): Fault =>
    new Fault('LOG_FORK', { topic: name, epoch: log.epoch, partition, offset });

  /**
   * A lane that starts at the log's end waits, so one record less would not be noticed. A broker that has just taken over may
   * tell less for a moment: twice is once.
   */
  async function hasNoLess(): Promise<void> {
    for (let look = 0; (await log.bounds())[partition]!.end < writer.next; look += 1) {
      if (look > 0) throw fork(writer.next - 1);
      await clock.wait(options.retryMs, signal);
    }
  }

  /** The batch that is on its way, or a flush once one is due. */
  async function pull(): Promise<Work | undefined> {
    if (signal.aborted) {
      if (drained) return undefined;
      drained = true;
      return { kind: 'flush' };
    }
    if (writer.buffered > 0 && task.wanted > writer.end.next) return { kind: 'flush' };
    source ??= reader.lane(partition, checkHash === undefined ? writer.next : writer.next - 1);
    pending ??= source.pull(signal);
    const waiting = new AbortController();
    const dueMs = bufferedSince === undefined ? undefined : limits.flushMs - waitedMs();
    const due: Promise<Work>[] =
      dueMs === undefined ? [] : [clock.wait(Math.max(0, dueMs), waiting.signal).then(flush)];
    const woken = new Promise<Work>((resolve) => {
      task.wake = () => {
        if (writer.buffered > 0) resolve({ kind: 'flush' });
      };
    });
    try {
      const found = await Promise.race([
        pending.then((batch): Work => ({ kind: 'batch', batch })),
        woken,
        ...due,
      ]);
      if (found.kind === 'batch') pending = undefined;
      return found;
    } catch (error) {
      pending = undefined;
      source = undefined;
      if (signal.aborted) return { kind: 'flush' };
      if (isFault(error, 'LOG_TRIMMED')) return trimmed(Number(error.facts.first));
      throw error;
    } finally {
      waiting.abort();
      for (const wait of due) wait.catch(ignoreAbort);
    }
  }

  /** How long the oldest buffered record has waited; a clock that went back does not make it wait longer. */
  function waitedMs(): number {
    const now = clock.now();
    if (bufferedSince === undefined) return 0;
    bufferedSince = Math.min(bufferedSince, now);
    return now - bufferedSince;
  }

  /** The log starts later than the archive ends: what lies between is gone for ever, and the archive says so. */
  async function trimmed(first: number): Promise<Work> {
    checkHash = undefined;
    if (first > writer.next) await missing('gap', first);
    return { kind: 'flush' };
  }

  async function missing(kind: 'hole' | 'gap', next: number): Promise<void> {
    const first = writer.next;
    if ((await writer.recordMissing(kind, next)) === yielded) throw yielded;
    onNotice({ kind, partition, first, next });
    place();
  }

  async function work(found: Work): Promise<void> {
    if (found.kind === 'batch') {
      task.logEnd = Math.max(task.logEnd, found.batch.end);
      // Most records are the next one, and a step of its own for each costs more than to buffer it.
      for (const record of found.batch.records)
        if (checkHash !== undefined || record.offset !== writer.next) await take(record);
        else if (buffer(record)) await store();
    }
    if (found.kind === 'flush' || writer.buffered >= limits.flushBytes || waitedMs() >= limits.flushMs)
      await store();
  }

  async function take(record: LogRecord): Promise<void> {
    if (checkHash !== undefined) {
      const isBefore = record.offset === writer.next - 1;
      if (
        isBefore ? !recordHash(encodeRecord(record)).equals(checkHash) : !(await isForgotten(writer.next - 1))
      )
        throw fork(writer.next - 1);
      checkHash = undefined;
    }
    if (record.offset < writer.next) return;
    // What was missing may be in part forgotten, in part never given.
    while (record.offset > writer.next) await confirmMissing(record.offset);
    if (buffer(record)) await store();
  }

  /** True: it is time to store. */
  function buffer(record: LogRecord): boolean {
    writer.add(record);
    bufferedSince ??= clock.now();
    return writer.buffered >= limits.flushBytes;
  }

  async function store(): Promise<void> {
    if ((await writer.flush()) === yielded) throw yielded;
    bufferedSince = undefined;
    place();
    onNotice({ kind: 'flushed', partition, next: writer.end.next, logEnd: task.logEnd });
    if ((await writer.sealIfDue()) === yielded) throw yielded;
    task.sealed = writer.sealed;
  }

  /** Offsets may be sparse; a reader that skips records looks the same. So a second reader has to see the same. */
  async function confirmMissing(found: number): Promise<void> {
    const { first } = (await log.bounds())[partition]!;
    if (first > writer.next) return missing('gap', Math.min(first, found));
    const seen = await firstSeen(writer.next);
    if (seen === found) return missing('hole', found);
    // Forgotten since then: the next look at the bounds tells. What is buffered stays.
    if (seen !== undefined) throw yielded;
  }

  /** The log gives nothing at an offset that was archived: it forgot it, or it is another log. */
  async function isForgotten(offset: number): Promise<boolean> {
    const seen = await firstSeen(offset);
    if (seen === offset) throw yielded;
    return seen === undefined;
  }

  /** The first offset from `from` on, by a reader of its own; undefined where retention took that. */
  async function firstSeen(from: number): Promise<number | undefined> {
    await using second = await log.reader(null);
    for await (const held of second.assignments(signal)) {
      if (!held.has(partition)) continue;
      try {
        return (await second.lane(partition, from).pull(signal)).records[0]?.offset;
      } catch (error) {
        if (isFault(error, 'LOG_TRIMMED')) return undefined;
        throw error;
      }
    }
    throw yielded;
  }

  if (checkHash !== undefined) await hasNoLess();
  return { pull, work };
}

const flush = (): Work => ({ kind: 'flush' });

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
}
