import { expect } from 'vitest';
import { isErrno } from '../../../src/adapters/file-log/disk.ts';
import { type FileLog, type FileLogHost, fileLogHost } from '../../../src/adapters/file-log/event-log.ts';
import type { TornTail } from '../../../src/adapters/file-log/log-file.ts';
import type { LogRecord } from '../../../src/domain/event.ts';
import { isFault } from '../../../src/domain/fault.ts';
import type { EpochTopic, LogReader } from '../../../src/ports/event-log.ts';
import { type LossyDisk, lossyDisk } from './lossy-disk.ts';
import { type Seeded, seeded } from './seeded.ts';

/** What a partition's callers know of it, whatever happened to the machine. */
interface Known {
  /** Values by offset that were acknowledged, or that a reader was given: they can never vanish again. */
  readonly firm: Map<number, { readonly value: string; readonly appendTime: number }>;
  /** Values in the order they were sent. */
  readonly sent: string[];
  /** Values of appends that were told as not sent. */
  readonly refused: Set<string>;
  /** Offsets below may have been removed. */
  removable: number;
}

const topic: EpochTopic = { epoch: 1, topic: 'crash.e1', partitions: 2 };
const signal = new AbortController().signal;

export interface CrashWorld {
  readonly random: Seeded;
  readonly disk: LossyDisk;
  readonly torn: TornTail[];
  /** Opens the log, checks all of it against what is known, works on it until done or the power goes. */
  live(): Promise<void>;
}

const isDiskFailure = (error: unknown): boolean =>
  isErrno(error, 'EIO') || isFault(error, 'LOG_UNAVAILABLE') || isFault(error, 'APPEND_UNKNOWN');

/** A file log on a lossy disk, with callers that remember what they were told. */
export function crashWorld(seed: number): CrashWorld {
  const random = seeded(seed);
  const disk = lossyDisk(random, '/data');
  const torn: TornTail[] = [];
  const segmentBytesMax = 200 + random.below(3_000);
  const known: Known[] = [0, 1].map(() => ({ firm: new Map(), sent: [], refused: new Set(), removable: 0 }));
  let now = 1_000_000;
  let sent = 0;

  const host = (): FileLogHost =>
    fileLogHost({
      dir: '/data/log',
      disk,
      // A clock that also goes back.
      clock: { now: () => now + random.below(50) - 20 },
      segmentBytesMax,
      onTorn: (tail) => torn.push(tail),
    });

  async function append(log: FileLog, partition: number): Promise<void> {
    const values = Array.from({ length: 1 + random.below(3) }, () => `value ${sent++}`);
    const padding = Buffer.alloc(random.below(400), 'p');
    known[partition]!.sent.push(...values);
    const records = values.map((value) => ({ key: padding, value: Buffer.from(value), headers: [] }));
    const { first, appendTime } = await log.append(partition, records).catch((error: unknown) => {
      if (isFault(error, 'LOG_UNAVAILABLE')) for (const value of values) known[partition]!.refused.add(value);
      throw error;
    });
    for (const [i, value] of values.entries()) firm(partition, first + i, { value, appendTime });
    now += 10;
  }

  function firm(partition: number, offset: number, told: { value: string; appendTime: number }): void {
    const before = known[partition]!.firm.get(offset);
    if (before !== undefined)
      expect({ partition, offset, ...told }).toEqual({ partition, offset, ...before });
    known[partition]!.firm.set(offset, told);
  }

  async function readFrom(
    reader: LogReader,
    partition: number,
    from: number,
    end: number,
  ): Promise<LogRecord[]> {
    const lane = reader.lane(partition, from);
    const records: LogRecord[] = [];
    while (from + records.length < end) records.push(...(await lane.pull(signal)).records);
    for (const { offset, value, appendTime } of records) {
      firm(partition, offset, { value: Buffer.from(value!).toString(), appendTime });
    }
    return records;
  }

  /** Everything that is firm is there, in order, once; nothing else but what was sent, in order, once. */
  async function check(log: FileLog): Promise<void> {
    await using reader = await log.reader('check');
    for (const [partition, { first, end }] of (await log.bounds()).entries()) {
      const { firm: promised, sent: all, refused, removable } = known[partition]!;
      expect(first).toBeLessThanOrEqual(removable);
      expect(Math.max(-1, ...promised.keys())).toBeLessThan(end);
      const expected = [...promised].filter(([offset]) => offset >= first);
      const records = await readFrom(reader, partition, first, end);
      expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => first + i));
      const found = new Map(records.map(({ offset, value }) => [offset, Buffer.from(value!).toString()]));
      for (const [offset, { value }] of expected)
        expect([offset, found.get(offset)]).toEqual([offset, value]);
      expect([...found.values()].filter((value) => refused.has(value))).toEqual([]);
      const order = [...found.values()].map((value) => all.indexOf(value));
      expect(order.every((at, i) => at > (order[i - 1] ?? -1))).toBe(true);
      const times = records.map(({ appendTime }) => appendTime);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }
  }

  async function work(log: FileLog): Promise<void> {
    await using reader = await log.reader('work');
    for (let steps = random.below(8); steps >= 0; steps--) {
      const appends = Array.from({ length: 1 + random.below(4) }, () => append(log, random.below(2)));
      const answers = await Promise.allSettled(appends);
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
      const partition = random.below(2);
      const { first, end } = (await log.bounds())[partition]!;
      if (random.chance(0.4)) await readFrom(reader, partition, first + random.below(end - first + 1), end);
      if (random.chance(0.3)) {
        const before = first + random.below(end - first + 1);
        known[partition]!.removable = Math.max(known[partition]!.removable, before);
        await log.removeBefore(partition, before);
      }
    }
  }

  return {
    random,
    disk,
    torn,
    async live() {
      const own = host();
      try {
        await own.create(topic);
        const log = await own.open(topic);
        await check(log);
        await work(log);
        await own[Symbol.asyncDispose]();
      } catch (error) {
        // A failing disk ends this life as well: a partition whose sync failed stays closed until it is
        // opened again.
        if (!disk.crashed && !isDiskFailure(error)) throw error;
      }
    },
  };
}
