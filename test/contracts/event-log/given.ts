import { randomBytes } from 'node:crypto';
import { expect, vi } from 'vitest';
import type { Header, LogRecord } from '../../../src/domain/event.ts';
import { isFault } from '../../../src/domain/fault.ts';
import type {
  Batch,
  EpochTopic,
  EventLog,
  Lane,
  LogHost,
  LogReader,
  NewRecord,
} from '../../../src/ports/event-log.ts';

/** A host to be judged, with what the port does not offer but a law needs. */
export interface LogUnderTest extends AsyncDisposable {
  readonly host: LogHost;
  /** Offsets of one append follow those of the append before without a hole. */
  readonly contiguous: boolean;
  /**
   * Lets the log forget the records before `before`, which is the `first` of an append. Laws on trimming need
   * it.
   */
  readonly trim?: (topic: EpochTopic, partition: number, before: number) => Promise<void>;
  /**
   * Appends records as a foreign client would, where `append` cannot write all that the wire allows (header
   * names that are not UTF-8). Left out: `append` can.
   */
  readonly appendForeign?: (
    topic: EpochTopic,
    partition: number,
    records: readonly NewRecord[],
  ) => Promise<void>;
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
export const header = (name: string, value: string | null): Header => [
  bytes(name),
  value === null ? null : bytes(value),
];
export const valued = (value: string | Uint8Array): NewRecord => ({
  key: bytes('urn:li:dataset:a'),
  value: typeof value === 'string' ? bytes(value) : value,
  headers: [header('annal-epoch', '1')],
});
export const numbered = (from: number, count: number): NewRecord[] =>
  Array.from({ length: count }, (_, i) => valued(`value ${from + i}`));

export const newTopic = (partitions: number): EpochTopic => ({
  epoch: 1,
  topic: `contract-${randomBytes(8).toString('hex')}.e1`,
  partitions,
});

/** Comparable content: Buffers and Uint8Arrays of the same bytes are the same. */
export const shape = ({ key, value, headers }: NewRecord | LogRecord) => ({
  key: key === null ? null : Buffer.from(key).toString('hex'),
  value: value === null ? null : Buffer.from(value).toString('hex'),
  headers: headers.map(([name, content]) => [
    Buffer.from(name).toString('hex'),
    content === null ? null : Buffer.from(content).toString('hex'),
  ]),
});
export const texts = (records: readonly LogRecord[]): string[] =>
  records.map(({ value }) => (value === null ? '' : Buffer.from(value).toString('utf8')));
export const contentBytes = (records: readonly LogRecord[]): number =>
  records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);

export const never = (): AbortSignal => new AbortController().signal;

/** Waits until the reader holds all of the topic's partitions. */
export async function holdsAll(reader: LogReader, partitions: number): Promise<void> {
  const enough = new AbortController();
  for await (const held of reader.assignments(enough.signal)) if (held.size === partitions) enough.abort();
}

/** Pulls until `count` records came. */
export async function take(lane: Lane, count: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  while (records.length < count) records.push(...(await lane.pull(never())).records);
  return records;
}

export const isPending = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    promise.then(
      () => false,
      () => false,
    ),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(true))),
  ]);

export const code = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ resolved: value }),
    (error: unknown) => (isFault(error) ? error.code : error),
  );

export async function batchesOf(lane: Lane, count: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  let taken = 0;
  while (taken < count) {
    const batch = await lane.pull(never());
    batches.push(batch);
    taken += batch.records.length;
  }
  return batches;
}

/** The host under test; laws ask for it when they run. */
export type Under = () => LogUnderTest;

/** Makes a topic, opens it, and closes it when the law was judged. */
export async function onLog(
  under: Under,
  partitions: number,
  law: (log: EventLog, topic: EpochTopic) => Promise<void>,
): Promise<void> {
  const topic = newTopic(partitions);
  expect(await under().host.create(topic)).toBe('created');
  await using log = await under().host.open(topic);
  // A broker may need a moment before it leads a new topic, and says so by a code that asks to try again.
  await vi.waitFor(() => log.bounds(), { timeout: 10_000 });
  await law(log, topic);
}

/** As above, with a reader that holds every partition. */
export const onReader = (
  under: Under,
  partitions: number,
  law: (reader: LogReader, log: EventLog, topic: EpochTopic) => Promise<void>,
): Promise<void> =>
  onLog(under, partitions, async (log, topic) => {
    await using reader = await log.reader(`${topic.topic}-readers`);
    await holdsAll(reader, partitions);
    await law(reader, log, topic);
  });
