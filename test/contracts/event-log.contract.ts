import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Header, LogRecord } from '../../src/domain/event.ts';
import { isFault } from '../../src/domain/fault.ts';
import {
  type Batch,
  bytesPerBatchMax,
  type EpochTopic,
  type EventLog,
  type Lane,
  type LogHost,
  type LogReader,
  type NewRecord,
  recordsPerBatchMax,
} from '../../src/ports/event-log.ts';

/** A host to be judged, with what the port does not offer but a law needs. */
export interface LogUnderTest extends AsyncDisposable {
  readonly host: LogHost;
  /** Offsets of one append follow those of the append before without a hole. */
  readonly contiguous: boolean;
  /** Lets the log forget the records before `before`, which is the `first` of an append. Laws on trimming need it. */
  readonly trim?: (topic: EpochTopic, partition: number, before: number) => Promise<void>;
  /**
   * Appends records as a foreign client would, where `append` cannot write all that the wire allows (header names that
   * are not UTF-8). Left out: `append` can.
   */
  readonly appendForeign?: (
    topic: EpochTopic,
    partition: number,
    records: readonly NewRecord[],
  ) => Promise<void>;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const header = (name: string, value: string | null): Header => [
  bytes(name),
  value === null ? null : bytes(value),
];
const valued = (value: string | Uint8Array): NewRecord => ({
  key: bytes('urn:li:dataset:a'),
  value: typeof value === 'string' ? bytes(value) : value,
  headers: [header('annal-epoch', '1')],
});
const numbered = (from: number, count: number): NewRecord[] =>
  Array.from({ length: count }, (_, i) => valued(`value ${from + i}`));

const newTopic = (partitions: number): EpochTopic => ({
  epoch: 1,
  topic: `contract-${randomBytes(8).toString('hex')}.e1`,
  partitions,
});

/** Comparable content: Buffers and Uint8Arrays of the same bytes are the same. */
const shape = ({ key, value, headers }: NewRecord | LogRecord) => ({
  key: key === null ? null : Buffer.from(key).toString('hex'),
  value: value === null ? null : Buffer.from(value).toString('hex'),
  headers: headers.map(([name, content]) => [
    Buffer.from(name).toString('hex'),
    content === null ? null : Buffer.from(content).toString('hex'),
  ]),
});
const texts = (records: readonly LogRecord[]): string[] =>
  records.map(({ value }) => (value === null ? '' : Buffer.from(value).toString('utf8')));
const contentBytes = (records: readonly LogRecord[]): number =>
  records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);

const never = (): AbortSignal => new AbortController().signal;

/** Waits until the reader holds all of the topic's partitions. */
async function holdsAll(reader: LogReader, partitions: number): Promise<void> {
  const enough = new AbortController();
  for await (const held of reader.assignments(enough.signal)) if (held.size === partitions) enough.abort();
}

/** Pulls until `count` records came. */
async function take(lane: Lane, count: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  while (records.length < count) records.push(...(await lane.pull(never())).records);
  return records;
}

const isPending = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    promise.then(
      () => false,
      () => false,
    ),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(true))),
  ]);

const code = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ resolved: value }),
    (error: unknown) => (isFault(error) ? error.code : error),
  );

/**
 * The laws of the log ports. Every adapter runs all of them; a law that needs a capability the adapter cannot offer is
 * shown as skipped. Topics are new for each test, so a shared broker serves.
 */
export function eventLogContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`event log: ${name}`, () => {
    let under: LogUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(async () => {
      await under?.[Symbol.asyncDispose]();
    });

    /** Makes a topic, opens it, and closes it when the law was judged. */
    async function onLog(partitions: number, law: (log: EventLog, topic: EpochTopic) => Promise<void>) {
      const topic = newTopic(partitions);
      expect(await under.host.create(topic)).toBe('created');
      await using log = await under.host.open(topic);
      await law(log, topic);
    }

    /** As above, with a reader that holds every partition. */
    const onReader = (
      partitions: number,
      law: (reader: LogReader, log: EventLog, topic: EpochTopic) => Promise<void>,
    ) =>
      onLog(partitions, async (log, topic) => {
        await using reader = await log.reader(`${topic.topic}-readers`);
        await holdsAll(reader, partitions);
        await law(reader, log, topic);
      });

    const appendForeign = async (topic: EpochTopic, log: EventLog, records: readonly NewRecord[]) => {
      if (under.appendForeign === undefined) await log.append(0, records);
      else await under.appendForeign(topic, 0, records);
    };

    describe('host', () => {
      test('a topic is made once', async () => {
        const topic = newTopic(2);
        expect(await under.host.create(topic)).toBe('created');
        expect(await under.host.create(topic)).toBe('exists');
        expect(await under.host.create({ ...topic, partitions: 3 })).toBe('exists');
        await using log = await under.host.open(topic);
        expect([log.epoch, log.partitions]).toEqual([1, 2]);
      });

      test('a topic nobody made is missing', async () => {
        expect(await code(under.host.open(newTopic(1)))).toBe('TOPIC_MISSING');
      });

      test('a topic with another number of partitions is not the one meant', async () => {
        const topic = newTopic(2);
        await under.host.create(topic);
        expect(await code(under.host.open({ ...topic, partitions: 3 }))).toBe('TOPIC_MISMATCH');
      });

      test('a topic the host made has no wrong setting', async () => {
        const topic = newTopic(1);
        await under.host.create(topic);
        expect((await under.host.audit(topic)).faults).toEqual([]);
      });
    });

    describe('append', () => {
      const plain: NewRecord[] = [
        { key: bytes('k'), value: bytes('v'), headers: [] },
        { key: null, value: bytes('no key'), headers: [] },
        { key: bytes('no value'), value: null, headers: [] },
        { key: null, value: null, headers: [] },
        { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] },
        { key: Buffer.from([0, 255, 128, 10]), value: randomBytes(257), headers: [] },
        {
          key: bytes('k'),
          value: bytes('v'),
          headers: [header('b', '1'), header('a', '2'), header('c', '')],
        },
        { key: bytes('k'), value: bytes('v'), headers: [header('__proto__', 'x'), header('toString', 'y')] },
        { key: bytes('k'), value: bytes('v'), headers: [header('10', 'ten'), header('9', 'nine')] },
      ];
      const strange: NewRecord[] = [
        { key: bytes('k'), value: bytes('v'), headers: [header('null', null), header('empty', '')] },
        {
          key: bytes('k'),
          value: bytes('v'),
          headers: [header('a', '1'), header('b', '2'), header('a', '3'), header('b', '2')],
        },
        { key: bytes('k'), value: bytes('v'), headers: [[Buffer.from([0xff, 0xfe]), randomBytes(9)]] },
        {
          key: bytes('k'),
          value: bytes('v'),
          headers: [
            [Buffer.from([0xff]), bytes('1')],
            [Buffer.from([0xfe]), bytes('2')],
            [Buffer.from([0xef, 0xbf, 0xbd]), bytes('3')],
          ],
        },
        {
          key: bytes('k'),
          value: bytes('v'),
          headers: Array.from({ length: 200 }, (_, i) => header(`h${i % 7}`, String(i))),
        },
      ];

      test('records come back byte for byte, in order', () =>
        onReader(1, async (reader, log) => {
          await log.append(0, plain);
          const records = await take(reader.lane(0, 0), plain.length);
          expect(records.map(shape)).toEqual(plain.map(shape));
        }));

      test('headers come back byte for byte, in order, also those that repeat or are not UTF-8', () =>
        onReader(1, async (reader, log, topic) => {
          await appendForeign(topic, log, strange);
          const records = await take(reader.lane(0, 0), strange.length);
          expect(records.map(shape)).toEqual(strange.map(shape));
        }));

      test('offsets ascend and the append tells them, with the time the lane tells', () =>
        onReader(2, async (reader, log) => {
          const told: { offset: number; appendTime: number }[] = [];
          let end = 0;
          for (const count of [1, 3, 2]) {
            const { first, appendTime } = await log.append(1, numbered(0, count));
            if (under.contiguous) expect(first).toBe(end);
            else expect(first).toBeGreaterThanOrEqual(end);
            end = first + count;
            for (let i = 0; i < count; i++) told.push({ offset: first + i, appendTime });
          }
          const records = await take(reader.lane(1, told[0]!.offset), told.length);
          expect(records.map(({ offset, appendTime }) => ({ offset, appendTime }))).toEqual(told);
          const times = told.map(({ appendTime }) => appendTime);
          expect(times.every(Number.isSafeInteger)).toBe(true);
          expect(times).toEqual([...times].sort((a, b) => a - b));
          expect(times[0]).toBeGreaterThan(0);
        }));

      test('bounds tell what a partition holds', () =>
        onLog(3, async (log) => {
          const before = await log.bounds();
          expect(before.map(({ first, end }) => end - first)).toEqual([0, 0, 0]);
          const { first } = await log.append(1, numbered(0, 5));
          const after = await log.bounds();
          expect(after.map(({ first, end }) => end - first)).toEqual([0, 5, 0]);
          expect(after[1]).toEqual({ first, end: first + 5 });
        }));

      test('partitions are filled at the same time without mixing', () =>
        onReader(3, async (reader, log) => {
          const filled = async (partition: number) => {
            for (let i = 0; i < 5; i++) await log.append(partition, [valued(`${partition} ${i}`)]);
          };
          await Promise.all([0, 1, 2].map(filled));
          for (const partition of [0, 1, 2])
            expect(texts(await take(reader.lane(partition, 0), 5))).toEqual(
              [0, 1, 2, 3, 4].map((i) => `${partition} ${i}`),
            );
        }));

      test('what was acknowledged is there after closing and opening again, and offsets go on', async () => {
        const topic = newTopic(1);
        await under.host.create(topic);
        const first = await (async () => {
          await using log = await under.host.open(topic);
          return log.append(0, numbered(0, 3));
        })();
        await using log = await under.host.open(topic);
        const second = await log.append(0, numbered(3, 2));
        expect(second.first).toBeGreaterThanOrEqual(first.first + 3);
        expect(second.appendTime).toBeGreaterThanOrEqual(first.appendTime);
        await using reader = await log.reader('again');
        await holdsAll(reader, 1);
        expect(texts(await take(reader.lane(0, first.first), 5))).toEqual(
          [0, 1, 2, 3, 4].map((i) => `value ${i}`),
        );
      });
    });

    describe('reader', () => {
      test('the only member of a group holds every partition, and the telling ends on abort', () =>
        onLog(4, async (log) => {
          await using reader = await log.reader('alone');
          const stop = new AbortController();
          let held: ReadonlySet<number> = new Set();
          for await (const present of reader.assignments(stop.signal)) {
            held = present;
            if (held.size === 4) stop.abort();
          }
          expect([...held].sort()).toEqual([0, 1, 2, 3]);
        }));

      test('a lane starts at any next', () =>
        onReader(1, async (reader, log) => {
          const { first } = await log.append(0, numbered(0, 4));
          await log.append(0, numbered(4, 3));
          for (const skipped of [0, 1, 3, 4, 6]) {
            const records = await take(reader.lane(0, first + skipped), 7 - skipped);
            expect(texts(records)).toEqual([0, 1, 2, 3, 4, 5, 6].slice(skipped).map((i) => `value ${i}`));
            expect(records[0]!.offset).toBe(first + skipped);
          }
        }));

      test('two groups read the same records', () =>
        onReader(1, async (reader, log) => {
          await using other = await log.reader('others');
          await holdsAll(other, 1);
          await log.append(0, numbered(0, 2));
          expect(texts(await take(reader.lane(0, 0), 2))).toEqual(texts(await take(other.lane(0, 0), 2)));
        }));

      test('asking for a lane again ends the older one', () =>
        onReader(1, async (reader, log) => {
          const older = reader.lane(0, 0);
          const waiting = code(older.pull(never()));
          const newer = reader.lane(0, 0);
          expect(await waiting).toBe('LANE_REVOKED');
          await log.append(0, numbered(0, 1));
          expect(texts(await take(newer, 1))).toEqual(['value 0']);
          expect(await code(older.pull(never()))).toBe('LANE_REVOKED');
        }));

      test('closing the reader ends its lanes', () =>
        onLog(1, async (log) => {
          const reader = await log.reader('closing');
          await holdsAll(reader, 1);
          const waiting = code(reader.lane(0, 0).pull(never()));
          await reader[Symbol.asyncDispose]();
          expect(await waiting).toBe('LANE_REVOKED');
        }));
    });

    describe('lane', () => {
      test('it waits while there is nothing and wakes on an append', () =>
        onReader(2, async (reader, log) => {
          const waiting = reader.lane(0, 0).pull(never());
          await log.append(1, numbered(0, 1));
          await take(reader.lane(1, 0), 1); // The log answers meanwhile: the wait is not slowness.
          expect(await isPending(waiting)).toBe(true);
          await log.append(0, [valued('woken')]);
          expect(texts((await waiting).records)).toEqual(['woken']);
        }));

      test('it waits at the end and goes on with what comes', () =>
        onReader(1, async (reader, log) => {
          await log.append(0, numbered(0, 2));
          const lane = reader.lane(0, 0);
          const before = await take(lane, 2);
          for (let i = 2; i < 6; i++) {
            const waiting = lane.pull(never());
            await log.append(0, numbered(i, 1));
            const { records, end } = await waiting;
            expect(texts(records)).toEqual([`value ${i}`]);
            expect(records[0]!.offset).toBeGreaterThan(before.at(-1)!.offset);
            expect(end).toBeGreaterThan(records[0]!.offset);
          }
        }));

      test('an abort ends the wait with its reason', () =>
        onReader(1, async (reader) => {
          const reason = new Error('stop now');
          const stop = new AbortController();
          const waiting = code(reader.lane(0, 0).pull(stop.signal));
          stop.abort(reason);
          expect(await waiting).toBe(reason);
          expect(await code(reader.lane(0, 0).pull(AbortSignal.abort(reason)))).toBe(reason);
        }));

      test('after an abort a new lane gives the same records', () =>
        onReader(1, async (reader, log) => {
          const stop = new AbortController();
          const waiting = code(reader.lane(0, 0).pull(stop.signal));
          stop.abort();
          await waiting;
          await log.append(0, numbered(0, 3));
          expect(texts(await take(reader.lane(0, 0), 3))).toEqual(['value 0', 'value 1', 'value 2']);
        }));

      test('a next beyond the end is a fork, on an empty log too', () =>
        onReader(2, async (reader, log) => {
          const { first } = await log.append(0, numbered(0, 3));
          expect(await code(reader.lane(0, first + 4).pull(never()))).toBe('LOG_FORK');
          expect(await code(reader.lane(1, 5).pull(never()))).toBe('LOG_FORK');
          expect(
            await isPending(
              reader
                .lane(0, first + 3)
                .pull(never())
                .catch(String),
            ),
          ).toBe(true);
        }));

      test('a batch is bounded in records', () =>
        onReader(1, async (reader, log) => {
          const count = recordsPerBatchMax + 2_500;
          for (let from = 0; from < count; from += 2_500) await log.append(0, numbered(from, 2_500));
          const batches = await batchesOf(reader.lane(0, 0), count);
          expect(Math.max(...batches.map(({ records }) => records.length))).toBeLessThanOrEqual(
            recordsPerBatchMax,
          );
          expect(batches.every(({ records }) => records.length > 0)).toBe(true);
          const records = batches.flatMap((batch) => batch.records);
          expect(texts(records)).toEqual(Array.from({ length: count }, (_, i) => `value ${i}`));
        }));

      test('a batch is bounded in bytes', () =>
        onReader(1, async (reader, log) => {
          const big = randomBytes(700_000);
          for (let i = 0; i < 15; i++) await log.append(0, [valued(big)]);
          const batches = await batchesOf(reader.lane(0, 0), 15);
          for (const { records } of batches)
            expect(contentBytes(records)).toBeLessThanOrEqual(bytesPerBatchMax + 800_000);
        }));

      test('the largest record passes', () =>
        onReader(1, async (reader, log) => {
          const big = randomBytes(999_000);
          await log.append(0, [valued('before')]);
          await log.append(0, [valued(big)]);
          await log.append(0, [valued('after')]);
          const records = await take(reader.lane(0, 0), 3);
          expect(Buffer.from(records[1]!.value!).equals(big)).toBe(true);
        }));

      test('one that is slow does not hold up another partition', () =>
        onReader(2, async (reader, log) => {
          const big = randomBytes(700_000);
          for (let i = 0; i < 12; i++) await log.append(0, [valued(big)]);
          await reader.lane(0, 0).pull(never()); // And is never asked again.
          const other = reader.lane(1, 0);
          for (let i = 0; i < 5; i++) {
            await log.append(1, numbered(i, 1));
            expect(texts(await take(other, 1))).toEqual([`value ${i}`]);
          }
        }));

      test('one that is never asked says nothing', () =>
        onReader(2, async (reader, log) => {
          reader.lane(0, 99);
          await log.append(0, numbered(0, 1));
          await log.append(1, numbered(0, 1));
          expect(texts(await take(reader.lane(1, 0), 1))).toEqual(['value 0']);
          expect(texts(await take(reader.lane(0, 0), 1))).toEqual(['value 0']);
        }));
    });

    describe('trimming', () => {
      const trimmed = async (log: EventLog, topic: EpochTopic, before: number) => {
        await under.trim!(topic, 0, before);
        await expect.poll(async () => (await log.bounds())[0]!.first).toBe(before);
      };

      test('a next before the start is told as trimmed, with the start', async (context) => {
        if (under.trim === undefined) return context.skip('the adapter cannot trim');
        await onReader(1, async (reader, log, topic) => {
          await log.append(0, numbered(0, 3));
          const { first } = await log.append(0, numbered(3, 2));
          await trimmed(log, topic, first);
          for (const next of [0, first - 1]) {
            const fault = await reader
              .lane(0, next)
              .pull(never())
              .catch((error: unknown) => error);
            expect(isFault(fault, 'LOG_TRIMMED') && fault.facts.first).toBe(first);
          }
          expect(texts(await take(reader.lane(0, first), 2))).toEqual(['value 3', 'value 4']);
        });
      });

      // What the log forgot can only come from memory: so this counts what a lane keeps ahead of its reader.
      test('at most one batch is kept ahead of the reader', async (context) => {
        if (under.trim === undefined) return context.skip('the adapter cannot trim');
        await onReader(1, async (reader, log, topic) => {
          const big = randomBytes(700_000);
          let last = 0;
          for (let i = 0; i < 25; i++) last = (await log.append(0, [valued(big)])).first;
          const unread = reader.lane(0, 0);
          await trimmed(log, topic, last);
          expect(await code(unread.pull(never()))).toBe('LOG_TRIMMED');
        });
        await onReader(1, async (reader, log, topic) => {
          const big = randomBytes(700_000);
          let last = 0;
          for (let i = 0; i < 25; i++) last = (await log.append(0, [valued(big)])).first;
          const lane = reader.lane(0, 0);
          await lane.pull(never());
          await trimmed(log, topic, last);
          const answers = [await code(lane.pull(never()))];
          if (answers[0] !== 'LOG_TRIMMED') answers.push(await code(lane.pull(never())));
          expect(answers.at(-1)).toBe('LOG_TRIMMED');
        });
      });
    });
  });
}

async function batchesOf(lane: Lane, count: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  let taken = 0;
  while (taken < count) {
    const batch = await lane.pull(never());
    batches.push(batch);
    taken += batch.records.length;
  }
  return batches;
}
