import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/event.ts';
import { Fault } from '../../src/domain/fault.ts';
import { decodeEvent } from '../../src/formats/event.ts';
import { unframe } from '../../src/formats/framing.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { recordBytes } from '../../src/intake/append-queue.ts';
import type { Intake, IntakeOptions, SubmitResult } from '../../src/intake/submit.ts';
import type { NewRecord } from '../../src/ports/event-log.ts';
import { aChange, anIntake, idOf, resultsOf, submitJson } from '../given/intake.ts';
import { type ManualClock, manualClock } from '../given/manual-clock.ts';
import { type Fate, type Fortune, type ScriptedLog, scriptedLog } from '../given/scripted-log.ts';

const partitions = 2;
/** URNs of each partition. */
const urns = Array.from({ length: 64 }, (_, n) => `urn:li:tag:t${n}`);
const urnsOf = (partition: number): string[] =>
  urns.filter((urn) => partitionOf(urn, partitions) === partition);
const urnIn = (partition: number, n: number): string => urnsOf(partition)[n % urnsOf(partition).length]!;

async function world(options: Partial<IntakeOptions> = {}) {
  const log = scriptedLog({ partitions });
  const clock = manualClock();
  const faults: unknown[] = [];
  const onFault = (fault: unknown): unknown => faults.push(fault);
  const intake = await clock.until(anIntake({ log, clock, onFault, ...options }));
  return { log, clock, intake, faults };
}

const idAt = (log: ScriptedLog, partition: number, offset: number): string | undefined => {
  const value = log.records[partition]![offset]?.value;
  return value === undefined || value === null ? undefined : decodeEvent(unframe(value)).id;
};
const ids = (log: ScriptedLog, partition: number): string[] =>
  log.records[partition]!.map((_, offset) => idAt(log, partition, offset)!);
const submit = async (intake: Intake, body: unknown): Promise<readonly SubmitResult[]> =>
  resultsOf(await submitJson(intake, body));
const change = (partition: number, n: number): object => aChange({ id: idOf(n), urn: urnIn(partition, n) });

/** Fortunes one after the other, then ok. */
function fortunes(log: ScriptedLog, ...list: readonly Fortune[]): void {
  const left = [...list];
  log.fortune = () => left.shift() ?? 'ok';
}

describe('one append in flight per partition', () => {
  test('what waits goes together in the next one, in order; other partitions do not wait', async () => {
    const { log, clock, intake } = await world();
    const first = Promise.withResolvers<void>();
    fortunes(log, first.promise);
    const submitted = [0, 1, 2, 3].map((n) => submit(intake, change(0, n)));
    const elsewhere = await submit(intake, change(1, 100));
    expect(elsewhere).toMatchObject([{ status: 'appended' }]);
    expect(log.appends.map(({ partition, records }) => [partition, records.length])).toEqual([
      [0, 4],
      [1, 1],
    ]);
    const late = [4, 5].map((n) => submit(intake, change(0, n)));
    first.resolve();
    await clock.until(Promise.all([...submitted, ...late]));
    expect(log.appends.map(({ records }) => records.length)).toEqual([4, 1, 2]);
    expect(ids(log, 0)).toEqual([0, 1, 2, 3, 4, 5].map(idOf));
  });

  test('an append holds at most 1,000,000 bytes with framing', async () => {
    const { log, clock, intake } = await world();
    const sizes = [400_000, 400_000, 400_000, 780_000, 780_000, 10, 10];
    const events = sizes.map((size, n) =>
      aChange({
        id: idOf(n),
        urn: urnIn(0, 0),
        aspect: 'datasetProperties',
        value: { name: 'x'.repeat(size) },
      }),
    );
    await clock.until(submit(intake, events));
    expect(log.appends.map(({ records }) => records.length)).toEqual([2, 1, 1, 3]);
    const appended = log.appends.map(({ records }) =>
      records.reduce((sum, one) => sum + recordBytes(one), 0),
    );
    expect(Math.max(...appended)).toBeLessThanOrEqual(limits.recordBytesMax);
    expect(ids(log, 0)).toEqual(sizes.map((_, n) => idOf(n)));
  });

  test('a broker that takes less gets it in smaller appends, in order', async () => {
    const { log, clock, intake } = await world();
    const append = log.append.bind(log);
    const small: ScriptedLog = Object.assign(log, {
      append: async (partition: number, records: readonly NewRecord[]) => {
        if (records.length > 3) throw new Fault('RECORD_TOO_LARGE', { partition });
        return append(partition, records);
      },
    });
    const events = Array.from({ length: 10 }, (_, n) => change(0, n));
    const results = await clock.until(submit(intake, events));
    expect(results.every(({ status }) => status === 'appended')).toBe(true);
    expect(ids(small, 0)).toEqual(events.map((_, n) => idOf(n)));
  });
});

describe('a log that does not answer', () => {
  test('nothing was sent before the deadline: refused, and gone from the queue', async () => {
    const { log, clock, intake, faults } = await world();
    log.fortune = () => 'refused';
    const [result] = await clock.until(submit(intake, change(0, 1)));
    expect(result).toMatchObject({ status: 'refused', code: 'LOG_UNAVAILABLE', id: idOf(1) });
    expect(intake.status()).toMatchObject({ queuedEvents: 0, queuedBytes: 0 });
    expect(intake.status().failing).toEqual(new Map([[0, 'LOG_UNAVAILABLE']]));
    expect(faults.length).toBeGreaterThan(2);
    log.fortune = () => 'ok';
    expect(await clock.until(submit(intake, change(0, 2)))).toMatchObject([{ status: 'appended' }]);
    expect(ids(log, 0)).toEqual([idOf(2)]);
    expect(intake.status().failing.size).toBe(0);
  });

  test('the reply was lost: unknown at the deadline, with the id', async () => {
    const { log, clock, intake } = await world();
    log.fortune = () => 'request-lost';
    const [result] = await clock.until(submit(intake, change(0, 1)));
    expect(result).toMatchObject({ status: 'unknown', code: 'APPEND_UNKNOWN', id: idOf(1) });
    expect(intake.status().queuedEvents).toBe(0);
  });

  test('a failed append goes again, the same records first, before what came later', async () => {
    const { log, clock, intake } = await world();
    fortunes(log, 'reply-lost', 'refused', 'request-lost');
    const first = submit(intake, [change(0, 1), change(0, 2)]);
    await clock.advance(10);
    const later = submit(intake, [change(0, 3)]);
    const answers = await clock.until(Promise.all([first, later]));
    expect(answers.flat()).toMatchObject([1, 2, 3].map((n) => ({ status: 'appended', id: idOf(n) })));
    expect(ids(log, 0)).toEqual([1, 2, 1, 2, 3].map(idOf));
    expect(answers[0]).toMatchObject([{ position: { offset: 2 } }, { position: { offset: 3 } }]);
  });

  test('what failed goes before what waited meanwhile', async () => {
    const { log, clock, intake } = await world();
    const failing = Promise.withResolvers<'refused'>();
    fortunes(log, failing.promise);
    const first = submit(intake, change(0, 1));
    await clock.advance(10);
    const later = submit(intake, change(0, 2));
    await clock.advance(10);
    failing.resolve('refused');
    await clock.until(Promise.all([first, later]));
    expect(ids(log, 0)).toEqual([1, 2].map(idOf));
  });

  test('it waits longer from try to try, at most two seconds', async () => {
    const { log, clock, intake } = await world({ deadlineMs: 20_000 });
    const times: number[] = [];
    log.fortune = () => {
      times.push(clock.now());
      return 'refused';
    };
    await clock.until(submit(intake, change(0, 1)));
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(gaps.slice(0, 7)).toEqual([50, 100, 200, 400, 800, 1_600, 2_000]);
    expect(Math.max(...gaps)).toBe(2_000);
  });

  test('in flight at the deadline: unknown; when it lands after all, a repeat is told where', async () => {
    const { log, clock, intake } = await world();
    const landing = Promise.withResolvers<void>();
    fortunes(log, landing.promise);
    const [lost] = await clock.until(submit(intake, change(0, 1)));
    expect(lost).toMatchObject({ status: 'unknown', id: idOf(1) });
    const waiting = submit(intake, change(0, 2));
    landing.resolve();
    await clock.until(waiting);
    const [again] = await clock.until(submit(intake, change(0, 1)));
    expect(again).toMatchObject({ status: 'appended', repeated: true, position: { offset: 0 } });
    expect(ids(log, 0)).toEqual([1, 2].map(idOf));
  });

  test('in flight at the deadline and failed: not sent again, unless somebody asked again meanwhile', async () => {
    const { log, clock, intake } = await world();
    for (const [n, asksAgain] of [
      [1, false],
      [2, true],
    ] as const) {
      const failing = Promise.withResolvers<void>();
      fortunes(log, failing.promise);
      expect(await clock.until(submit(intake, change(0, n)))).toMatchObject([{ status: 'unknown' }]);
      const again = asksAgain ? submit(intake, change(0, n)) : undefined;
      failing.reject(new Error('the connection broke'));
      const answer = await clock.until(again ?? submit(intake, change(1, n + 10)));
      expect(answer).toMatchObject([{ status: 'appended' }]);
    }
    expect(ids(log, 0)).toEqual([idOf(2)]);
  });

  test('a log that needs somebody refuses with its code at once', async () => {
    const { log, intake } = await world();
    log.fortune = () => 'halted';
    expect(await submit(intake, change(0, 1))).toMatchObject([{ status: 'refused', code: 'LOG_CORRUPT' }]);
  });

  test('a stuck partition leaves room for the others, and what found none is refused', async () => {
    const { log, clock, intake } = await world({ queueBytesMax: 50_000, partitionQueueBytesMax: 15_000 });
    const stuck = Promise.withResolvers<void>();
    log.fortune = (partition) => (partition === 0 ? stuck.promise : 'ok');
    const batch = (from: number): object[] => Array.from({ length: 40 }, (_, i) => change(0, from + i));
    const first = submit(intake, batch(0));
    const second = await submit(intake, [...batch(100), change(1, 500)]);
    expect(second.slice(0, 40).every((one) => one.status === 'refused' && one.code === 'LOG_BUSY')).toBe(
      true,
    );
    expect(second[40]).toMatchObject({ status: 'appended' });
    stuck.resolve();
    expect((await clock.until(first)).every(({ status }) => status === 'appended')).toBe(true);
    expect(await clock.until(submit(intake, batch(100)))).toMatchObject(
      batch(100).map(() => ({ status: 'appended' })),
    );
    expect(intake.status()).toMatchObject({ queuedEvents: 0, queuedBytes: 0 });
  });

  test('a single submission larger than the bound finds room in an empty queue', async () => {
    const { clock, intake } = await world({ queueBytesMax: 100, partitionQueueBytesMax: 100 });
    expect(await clock.until(submit(intake, change(0, 1)))).toMatchObject([{ status: 'appended' }]);
  });
});

test('closing answers what waits and takes nothing more', async () => {
  const { log, clock, intake } = await world();
  fortunes(log, 'refused', 'refused');
  const waiting = submit(intake, change(0, 1));
  const closed = intake[Symbol.asyncDispose]();
  await expect(submit(intake, change(0, 2))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  await clock.until(closed);
  expect(await waiting).toMatchObject([{ status: 'appended' }]);
});

interface Sent {
  readonly atMs: number;
  /** Partition of each event. */
  readonly events: readonly number[];
}

const fortune = fc.oneof(
  { weight: 4, arbitrary: fc.constant('ok' as const) },
  fc.constantFrom('refused' as const, 'reply-lost' as const, 'request-lost' as const),
  fc.record({
    slowMs: fc.integer({ min: 1, max: 1_500 }),
    atLast: fc.constantFrom(
      'ok' as const,
      'refused' as const,
      'reply-lost' as const,
      'request-lost' as const,
    ),
  }),
);
const sent: fc.Arbitrary<Sent> = fc.record({
  atMs: fc.integer({ min: 0, max: 3_000 }),
  events: fc.array(fc.integer({ min: 0, max: partitions - 1 }), { minLength: 1, maxLength: 6 }),
});

async function play(
  plan: readonly Sent[],
  luck: readonly (Fate | { readonly slowMs: number; readonly atLast: Fate })[],
) {
  const log = scriptedLog({ partitions });
  const clock: ManualClock = manualClock();
  const intake = await clock.until(anIntake({ log, clock, deadlineMs: 1_000 }));
  const left = [...luck];
  log.fortune = () => {
    const next = left.shift() ?? 'ok';
    return typeof next === 'string' ? next : clock.wait(next.slowMs).then(() => next.atLast);
  };
  let count = 0;
  const runs = [...plan]
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, events }) => {
      const body = events.map((partition) => change(partition, count++));
      return clock.wait(atMs).then(() => submit(intake, body));
    });
  const results = (await clock.until(Promise.all(runs))).flat();
  return { log, clock, intake, results };
}

describe('whatever the log does', () => {
  const plan = fc.array(sent, { minLength: 1, maxLength: 8 });
  const luck = fc.array(fortune, { maxLength: 12 });

  test('what was acknowledged is there, in the order it was sent; what was refused is not', async () => {
    await fc.assert(
      fc.asyncProperty(plan, luck, async (sendings, fortunesGiven) => {
        const { log, results } = await play(sendings, fortunesGiven);
        const last = new Array<number>(partitions).fill(-1);
        for (const result of results) {
          if (result.status === 'appended') {
            const { partition, offset } = result.position;
            expect(idAt(log, partition, offset)).toBe(result.id);
            expect(offset).toBeGreaterThan(last[partition]!);
            last[partition] = offset;
          } else if (result.status === 'refused') {
            expect(result.code).toBe('LOG_UNAVAILABLE');
            expect([...ids(log, 0), ...ids(log, 1)]).not.toContain(result.id);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('repeats end with every event in the log, and the queue empty', async () => {
    await fc.assert(
      fc.asyncProperty(plan, luck, async (sendings, fortunesGiven) => {
        const { log, clock, intake, results } = await play(sendings, fortunesGiven);
        log.fortune = () => 'ok';
        for (const [n, result] of results.entries()) {
          const partition = sendings.length === 0 ? 0 : partitionOf(String(result.urn), partitions);
          let [again] = await clock.until(submit(intake, change(partition, n)));
          // An append of before may still be in flight: a repeat is unknown then, or waits behind it and is not sent in time.
          if (again?.status !== 'appended') [again] = await clock.until(submit(intake, change(partition, n)));
          expect(again).toMatchObject({ status: 'appended' });
          if (result.status === 'appended') expect(again).toEqual({ ...result, repeated: true });
        }
        expect(intake.status()).toMatchObject({ queuedEvents: 0, queuedBytes: 0 });
      }),
      { numRuns: 100 },
    );
  });
});
