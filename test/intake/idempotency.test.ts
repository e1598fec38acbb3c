import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import type { Principal } from '../../src/domain/policy.ts';
import type { Position } from '../../src/domain/position.ts';
import { uuid8 } from '../../src/formats/uuid8.ts';
import { recentIds } from '../../src/intake/recent-ids.ts';
import type { Intake, SubmitResult } from '../../src/intake/submit.ts';
import { aChange, anIntake, idOf, orders, resultsOf, submitJson } from '../given/intake.ts';
import { type ManualClock, manualClock } from '../given/manual-clock.ts';
import { type ScriptedLog, scriptedLog } from '../given/scripted-log.ts';

interface World {
  readonly log: ScriptedLog;
  readonly clock: ManualClock;
  intake: Intake;
  submit(body: unknown, idempotencyKey?: string, principal?: Principal): Promise<readonly SubmitResult[]>;
  /** A new intake over the same log. */
  restart(): Promise<void>;
}

async function world(): Promise<World> {
  const log = scriptedLog();
  const clock = manualClock();
  const open = (): Promise<Intake> => clock.until(anIntake({ log, clock }));
  const its: World = {
    log,
    clock,
    intake: await open(),
    async submit(body, idempotencyKey, principal) {
      const given = {
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        ...(principal === undefined ? {} : { principal }),
      };
      return resultsOf(await clock.until(submitJson(its.intake, body, given)));
    },
    async restart() {
      its.intake = await open();
    },
  };
  return its;
}

const positionOf = (result: SubmitResult | undefined): Position => {
  if (result?.status !== 'appended') throw new Error(`not appended: ${JSON.stringify(result)}`);
  return result.position;
};
const records = ({ log }: World): number => log.records.flat().length;
const other: Principal = { name: 'token:other', grants: [{ actions: ['publish'], namespace: '*' }] };

test('an event sent again under its id answers the first position and appends nothing', async () => {
  const its = await world();
  const event = aChange({ id: idOf(1) });
  const [first] = await its.submit(event);
  await its.submit(aChange({ id: idOf(2) }));
  const [again] = await its.submit(event);
  expect(again).toEqual({ ...first, repeated: true });
  expect(records(its)).toBe(2);
});

test('also after a restart, and whatever the clock says by then', async () => {
  const its = await world();
  const events = Array.from({ length: 300 }, (_, n) => aChange({ id: idOf(n), urn: `urn:li:tag:t${n}` }));
  const first = await its.submit(events);
  await its.clock.advance(60_000);
  await its.restart();
  const again = await its.submit(events);
  expect(again).toEqual(first.map((result) => ({ ...result, repeated: true })));
  expect(records(its)).toBe(300);
});

test('the first of two records of one id is the one that is told after a restart', async () => {
  const its = await world();
  const event = aChange({ id: idOf(1) });
  const [first] = await its.submit(event);
  const { partition } = positionOf(first);
  const [record] = its.log.records[partition]!;
  await its.log.append(partition, [record!, record!]);
  await its.restart();
  expect(positionOf((await its.submit(event))[0])).toEqual(positionOf(first));
});

test('a record that did not come from intake does not answer for an event of the same id', async () => {
  const its = await world();
  const event = aChange({ id: idOf(1) });
  const [first] = await its.submit(event);
  const { partition } = positionOf(first);
  const [record] = its.log.records[partition]!;
  const foreign = { ...record!, headers: [] };
  its.log.records[partition]!.splice(0, 1, { ...foreign, offset: 0 });
  await its.restart();
  const [again] = await its.submit(event);
  expect(again).not.toHaveProperty('repeated');
  expect(records(its)).toBe(2);
});

test('an id for something else is refused, also after a restart', async () => {
  const its = await world();
  const event = { id: idOf(1), urn: orders, aspect: 'status', value: { removed: false } };
  await its.submit(event);
  const others = [
    { ...event, value: { removed: true } },
    { ...event, urn: 'urn:li:tag:a' },
    { ...event, expect: 'absent' },
    { ...event, actor: 'urn:li:corpuser:u2' },
    { ...event, source: { plugin: 'p' } },
    { id: idOf(1), urn: orders, aspect: 'status', change: 'DELETE' },
  ];
  const conflicts = others.map(() => ({ status: 'refused', code: 'IDEMPOTENCY_CONFLICT', pointer: '/id' }));
  expect(await its.submit(others)).toMatchObject(conflicts);
  await its.restart();
  expect(await its.submit(others)).toMatchObject(conflicts);
  expect(records(its)).toBe(1);
});

test('the same event twice in one request is appended once', async () => {
  const its = await world();
  const event = aChange({ id: idOf(1) });
  const conflicting = aChange({ id: idOf(1), value: { removed: true } });
  const [first, again, conflict] = await its.submit([event, event, conflicting]);
  expect(again).toEqual({ ...first, repeated: true });
  expect(conflict).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect(records(its)).toBe(1);
});

test('a repeat while the first is on its way waits for the same append', async () => {
  const its = await world();
  const arrived = Promise.withResolvers<void>();
  its.log.fortune = () => arrived.promise;
  const event = aChange({ id: idOf(1) });
  const first = submitJson(its.intake, event);
  const again = submitJson(its.intake, event);
  const conflict = await submitJson(its.intake, aChange({ id: idOf(1), value: { removed: true } }));
  expect(resultsOf(conflict)).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
  arrived.resolve();
  expect(resultsOf(await again)[0]).toEqual({ ...resultsOf(await first)[0], repeated: true });
  expect(records(its)).toBe(1);
});

test('ids under an Idempotency-Key are named by principal, key and index', async () => {
  const its = await world();
  const body = [aChange(), aChange({ value: 5 }), aChange({ value: { removed: true } })];
  const results = await its.submit(body, 'order-7');
  const named = (index: number, principal = 'local:owner'): string =>
    uuid8('annal-id/idempotency', principal, 'order-7', String(index));
  expect(results).toMatchObject([{ id: named(0) }, { code: 'ASPECT_INVALID' }, { id: named(2) }]);
  const [mine] = await its.submit(aChange({ id: idOf(5) }), 'order-8');
  expect(mine).toMatchObject({ id: idOf(5) });
  expect(await its.submit(body, 'order-7', other)).toMatchObject([{ id: named(0, 'token:other') }, {}, {}]);
  const again = await its.submit(body, 'order-7');
  expect(again[0]).toEqual({ ...results[0], repeated: true });
  await its.restart();
  expect((await its.submit(body, 'order-7'))[2]).toEqual({ ...results[2], repeated: true });
});

test('an Idempotency-Key with another body is refused, after a restart event by event', async () => {
  const its = await world();
  await its.submit(aChange(), 'k');
  const changed = aChange({ value: { removed: true } });
  const submitted = await its.clock.until(submitJson(its.intake, changed, { idempotencyKey: 'k' }));
  expect(submitted).toMatchObject({ kind: 'invalid', fault: { code: 'IDEMPOTENCY_CONFLICT' } });
  await its.restart();
  expect(await its.submit(changed, 'k')).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
  expect(records(its)).toBe(1);
});

test('a body that was refused whole does not use up its key', async () => {
  const its = await world();
  expect(await its.submit(aChange({ value: 5 }), 'k')).toMatchObject([{ code: 'ASPECT_INVALID' }]);
  expect(await its.submit(aChange(), 'k')).toMatchObject([{ status: 'appended' }]);
});

test.each(['', 'a\nb', 'ü', 'x'.repeat(257)])('no Idempotency-Key: %j', async (idempotencyKey) => {
  const its = await world();
  const submitted = await its.clock.until(submitJson(its.intake, aChange(), { idempotencyKey }));
  expect(submitted).toMatchObject({ kind: 'invalid', fault: { code: 'EVENT_SHAPE' } });
});

test('the window forgets the oldest ids of its partition alone', () => {
  const recent = recentIds(3);
  const note = (id: string, partition: number, offset: number): void =>
    recent.note(id, { partition, offset, fingerprint: id });
  note('kept', 1, 0);
  for (const [offset, id] of ['a', 'b', 'a', 'c', 'd', 'e'].entries()) note(id, 0, offset);
  expect(['kept', 'a', 'b', 'c', 'd', 'e'].map((id) => recent.find(id)?.offset)).toEqual([
    0,
    undefined,
    undefined,
    3,
    4,
    5,
  ]);
});

test('a log whose end cannot be read in time is reported, and intake works', async () => {
  const its = await world();
  await its.submit(aChange({ id: idOf(1) }));
  const faults: unknown[] = [];
  const silent = (partition: number) => ({
    partition,
    pull: (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  const reader = async (group: string) => ({ ...(await its.log.reader(group)), lane: silent });
  const log: ScriptedLog = { ...its.log, reader };
  const onFault = (fault: unknown): unknown => faults.push(fault);
  its.intake = await its.clock.until(anIntake({ log, clock: its.clock, onFault, fillMs: 500 }));
  expect(faults).toHaveLength(1);
  const [result] = await its.submit(aChange({ id: idOf(1) }));
  expect(result).toMatchObject({ status: 'appended' });
});

test('a log that is away at start is reported, and intake works once it is back', async () => {
  const its = await world();
  const faults: unknown[] = [];
  const bounds = () => Promise.reject(new Fault('LOG_UNAVAILABLE'));
  const onFault = (fault: unknown): unknown => faults.push(fault);
  const log: ScriptedLog = { ...its.log, bounds };
  its.intake = await its.clock.until(anIntake({ log, clock: its.clock, onFault }));
  expect(faults).toMatchObject([{ code: 'LOG_UNAVAILABLE' }]);
  expect(await its.submit(aChange())).toMatchObject([{ status: 'appended' }]);
});
