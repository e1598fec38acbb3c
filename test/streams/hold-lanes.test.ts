import { defer, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { Fault } from '../../src/domain/fault.ts';
import type { LogReader } from '../../src/ports/event-log.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { type ArchiveNotice, startArchiver } from '../../src/streams/archiver.ts';
import { holdLanes } from '../../src/streams/hold-lanes.ts';
import { memoryLog } from '../given/memory-log.ts';
import { openWorld } from '../given/world.ts';

/** A reader whose partitions a test gives and takes. */
function dealer() {
  const sets: ReadonlySet<number>[] = [];
  let woken = Promise.withResolvers<void>();
  let refused: unknown;
  const reader: Pick<LogReader, 'assignments'> = {
    async *assignments(signal) {
      signal.addEventListener('abort', () => woken.resolve(), { once: true });
      while (!signal.aborted) {
        if (refused !== undefined) throw refused;
        const next = sets.shift();
        if (next !== undefined) yield next;
        else {
          await woken.promise;
          woken = Promise.withResolvers();
        }
      }
    },
  };
  return {
    reader: reader as LogReader,
    deal(...held: number[]) {
      sets.push(new Set(held));
      woken.resolve();
    },
    refuse(error: unknown) {
      refused = error;
      woken.resolve();
    },
  };
}

/** Lanes that run until their signal aborts, and then end slowly: one by one, when told to. */
function lanes() {
  const events: string[] = [];
  const endings = new Map<number, PromiseWithResolvers<void>>();
  const lane = (partition: number, signal: AbortSignal): Observable<never> =>
    defer(async () => {
      events.push(`start ${partition}`);
      const ending = Promise.withResolvers<void>();
      endings.set(partition, ending);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      events.push(`abort ${partition}`);
      await ending.promise;
      events.push(`end ${partition}`);
      return undefined as never;
    });
  return { events, lane, end: (partition: number): void => endings.get(partition)!.resolve() };
}

test('a partition taken away ends its lane before any other begins', async () => {
  const [{ reader, deal }, { events, lane, end }] = [dealer(), lanes()];
  const stopping = new AbortController();
  const holding = holdLanes(reader, stopping.signal, lane);
  deal(0, 1);
  await expect.poll(() => events).toEqual(['start 0', 'start 1']);
  deal(1, 2);
  await expect.poll(() => events).toContain('abort 0');
  await new Promise((resolve) => setImmediate(resolve));
  expect(events).not.toContain('start 2');
  end(0);
  await expect.poll(() => events.slice(2)).toEqual(['abort 0', 'end 0', 'start 2']);
  stopping.abort();
  end(1);
  end(2);
  await holding;
  expect(events.filter((event) => event.startsWith('end')).sort()).toEqual(['end 0', 'end 1', 'end 2']);
});

describe('nothing is left running', () => {
  test('when a lane fails: the others end, then it is told', async () => {
    const [{ reader, deal }, { events, lane, end }] = [dealer(), lanes()];
    const failing = (partition: number, signal: AbortSignal): Observable<never> =>
      partition === 1
        ? defer(() => Promise.reject(new Fault('LOG_FORK', { partition })))
        : lane(partition, signal);
    const holding = holdLanes(reader, new AbortController().signal, failing);
    const told = expect(holding).rejects.toMatchObject({ code: 'LOG_FORK' });
    deal(0, 1);
    await expect.poll(() => events).toContain('abort 0');
    end(0);
    await told;
    expect(events).toEqual(['start 0', 'abort 0', 'end 0']);
  });

  test('when the reader fails', async () => {
    const [{ reader, deal, refuse }, { events, lane, end }] = [dealer(), lanes()];
    const holding = holdLanes(reader, new AbortController().signal, lane);
    const told = expect(holding).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    deal(0);
    await expect.poll(() => events).toEqual(['start 0']);
    refuse(new Fault('LOG_UNAVAILABLE', {}));
    await expect.poll(() => events).toContain('abort 0');
    end(0);
    await told;
    expect(events).toEqual(['start 0', 'abort 0', 'end 0']);
  });
});

test('an archiver that may not read its log says so in every lane, and can be stopped', async () => {
  await using world = await openWorld(1);
  const notices: ArchiveNotice[] = [];
  const archiver = startArchiver({
    store: world.store,
    clock: systemClock,
    limits: archiveLimits,
    log: { ...memoryLog(), reader: () => Promise.reject(new Fault('TOPIC_MISSING', { topic: 'annal.e1' })) },
    name: 'annal',
    group: 'archiver',
    retryMs: 1,
    onNotice: (notice) => notices.push(notice),
  });
  await expect(archiver.reach([1], AbortSignal.timeout(5_000))).rejects.toMatchObject({
    code: 'TOPIC_MISSING',
  });
  expect(archiver.status()).toMatchObject([{ state: 'halted', fault: { code: 'TOPIC_MISSING' } }]);
  expect(notices.map(({ kind }) => kind)).toEqual(['fault']);
  await archiver.stop();
});
