import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import { type EpochGuard, epochGuard } from '../../src/intake/epoch-guard.ts';
import { aChange, anIntake, resultsOf, submitJson } from '../given/intake.ts';
import { manualClock } from '../given/manual-clock.ts';
import { scriptedLog } from '../given/scripted-log.ts';

/** A guard, the mark that it looks for, and how often it looked. */
function world() {
  const clock = manualClock();
  const store = { closed: false, away: false, hangs: false, looks: 0 };
  const faults: string[] = [];
  const isClosed = async (): Promise<boolean> => {
    store.looks += 1;
    if (store.hangs) await new Promise(() => undefined);
    if (store.away) throw new Fault('STORE_UNAVAILABLE', {});
    return store.closed;
  };
  const onFault = ({ code }: Fault): void => void faults.push(code);
  return { clock, store, faults, guard: epochGuard({ epoch: 3, clock, isClosed, onFault }) };
}

const closed = { code: 'EPOCH_CLOSED', facts: { epoch: 3 } };

test('it looks before the first append, and again once the last look is 5 s old; one look serves all', async () => {
  const { clock, store, guard } = world();
  await Promise.all([guard.before(), guard.before(), guard.before()]);
  await clock.advance(4_999);
  await guard.before();
  expect(store.looks).toBe(1);
  store.closed = true;
  await clock.advance(1);
  await expect(guard.before()).rejects.toMatchObject(closed);
  await expect(guard.before()).rejects.toMatchObject(closed);
  expect(store.looks).toBe(2);
});

test('an append that took longer than a look is young is looked after: closed meanwhile, nobody knows where it stands', async () => {
  const { clock, store, guard } = world();
  const after = async (tookMs: number, guarded: EpochGuard = guard): Promise<unknown> => {
    const lookedAt = await guarded.before();
    await clock.advance(tookMs);
    return guarded.after(lookedAt);
  };
  await after(10_000);
  store.closed = true;
  // Whoever closes it waits longer than that.
  await after(4_000);
  const { clock: other, store: marked, guard: slow } = world();
  const lookedAt = await slow.before();
  marked.closed = true;
  await other.advance(5_000);
  await expect(slow.after(lookedAt)).rejects.toMatchObject({ code: 'APPEND_UNKNOWN' });
  await expect(slow.before()).rejects.toMatchObject(closed);
});

test('a clock that was set back makes no look young', async () => {
  const { store } = world();
  const set = { now: 1_000_000 };
  const clock = { now: () => set.now, wait: () => new Promise<void>(() => undefined) };
  const isClosed = async (): Promise<boolean> => {
    store.looks += 1;
    return store.looks > 1;
  };
  const guard = epochGuard({ epoch: 3, clock, isClosed, onFault: () => undefined });
  await guard.before();
  set.now -= 60_000;
  await expect(guard.before()).rejects.toMatchObject(closed);
});

test('a store that is away or hangs keeps nobody from appending; it is asked again', async () => {
  const { clock, store, faults, guard } = world();
  store.away = true;
  const lookedAt = await guard.before();
  await clock.advance(6_000);
  await guard.after(lookedAt);
  expect(faults).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
  await clock.advance(6_000);
  store.hangs = true;
  await clock.until(guard.before());
  [store.hangs, store.away, store.closed] = [false, false, true];
  await clock.advance(6_000);
  await expect(guard.before()).rejects.toMatchObject(closed);
});

test('intake answers what it does not append any more: to be sent again, nothing is in the log', async () => {
  const [clock, log] = [manualClock(), scriptedLog()];
  let marked = false;
  const intake = await clock.until(anIntake({ log, clock, isClosed: async () => marked }));
  const send = async () => resultsOf(await clock.until(submitJson(intake, aChange())));
  expect(await send()).toMatchObject([{ status: 'appended' }]);
  marked = true;
  await clock.advance(6_000);
  expect(await send()).toMatchObject([{ status: 'refused', code: 'EPOCH_CLOSED' }]);
  expect(intake.status().closed).toBe(true);
  expect(log.records.flat()).toHaveLength(1);
});

test('an intake that is told of the end lets go what is under way, and takes nothing more', async () => {
  const [clock, log] = [manualClock(), scriptedLog()];
  const intake = await clock.until(anIntake({ log, clock }));
  const answered = Promise.withResolvers<void>();
  log.fortune = () => answered.promise;
  const underWay = submitJson(intake, aChange());
  await clock.advance(10);
  let over = false;
  const closing = intake.closeEpoch().then(() => {
    over = true;
  });
  const late = submitJson(intake, aChange({ value: { removed: true } }));
  await clock.advance(100);
  expect(over).toBe(false);
  answered.resolve();
  await clock.until(closing);
  expect(resultsOf(await underWay)).toMatchObject([{ status: 'appended' }]);
  expect(resultsOf(await clock.until(late))).toMatchObject([{ status: 'refused', code: 'EPOCH_CLOSED' }]);
  expect(log.records.flat()).toHaveLength(1);
});
