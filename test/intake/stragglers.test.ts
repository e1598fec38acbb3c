import { describe, expect, test } from 'vitest';
import { decodeEvent } from '../../src/formats/event.ts';
import { unframe } from '../../src/formats/framing.ts';
import { bridgeStore } from '../../src/intake/bridge-store.ts';
import { republishStragglers, type Straggler, type StragglerWork } from '../../src/intake/stragglers.ts';
import { aChange, anIntake, idOf, resultsOf, submitJson } from '../given/intake.ts';
import { manualClock } from '../given/manual-clock.ts';
import { memoryState } from '../given/memory-state.ts';
import { type ScriptedLog, scriptedLog } from '../given/scripted-log.ts';

const urn = (n: number): string => `urn:li:tag:t${n}`;
const change = (n: number, of = n) => aChange({ id: idOf(n), urn: urn(of), value: { removed: n % 2 === 0 } });
const { signal } = new AbortController();

const ids = (log: ScriptedLog, partition = 0): string[] =>
  log.records[partition]!.map(({ value }) => decodeEvent(unframe(value!)).id);

/** A closed topic of one partition, whose epoch ended at `end`, and the intake of the next epoch. */
async function world(end: number, partitions = 1) {
  const [clock, state] = [manualClock(), memoryState()];
  const [old, open] = [scriptedLog({ partitions: 1 }), scriptedLog({ partitions, epoch: 2 })];
  const [before, after] = await Promise.all(
    [old, open].map((log) => clock.until(anIntake({ log, clock, deadlineMs: 1_000 }))),
  );
  const seen: Straggler[] = [];
  const names = { dialect: 'straggler', source: 'annal.e1', topic: 'annal.e1' };
  const work: StragglerWork = {
    ...{ topic: 'annal.e1', log: old, end: [end], intake: after!, open },
    store: bridgeStore(state, names),
    decoders: { ensure: async () => undefined, decode: () => undefined },
    onStraggler: (straggler) => void seen.push(straggler),
  };
  const put = async (intake: typeof before, ...events: readonly object[]): Promise<void> => {
    for (const result of resultsOf(await clock.until(submitJson(intake!, events))))
      expect(result).toMatchObject({ status: 'appended' });
  };
  return {
    ...{ old, open, clock, state, work, seen },
    putOld: (...events: readonly object[]) => put(before, ...events),
    putOpen: (...events: readonly object[]) => put(after, ...events),
    look: () => clock.until(republishStragglers(work, signal)),
  };
}

test('what stands behind the end is published again, under its id and as it was, once; what stands before is not', async () => {
  const { old, open, seen, putOld, look } = await world(2);
  await putOld(...[1, 2, 3, 4].map((n) => change(n)));
  await look();
  await look();
  expect(ids(open)).toEqual([3, 4].map(idOf));
  expect(seen.map(({ at, position, refused }) => [at.offset, position?.offset, refused])).toEqual([
    [2, 0, null],
    [3, 1, null],
  ]);
  for (const [n, record] of open.records[0]!.entries()) {
    const straggler = old.records[0]![n + 2]!;
    expect(unframe(record.value!)).toEqual(unframe(straggler.value!));
    expect(record.key).toEqual(straggler.key);
    expect(String(Object.fromEntries(record.headers.map(([k, v]) => [String(k), v]))['annal-epoch'])).toBe(
      '2',
    );
  }
  await putOld(change(5));
  await look();
  expect(ids(open)).toEqual([3, 4, 5].map(idOf));
});

describe('what its sender has sent again is not published once more, however many others came since', () => {
  test('in the epoch that ended', async () => {
    const { old, open, seen, putOld, look } = await world(41);
    await putOld(...Array.from({ length: 41 }, (_, n) => change(n + 1, 7)));
    await old.append(0, [old.records[0]![3]!]);
    await look();
    expect(open.records.flat()).toEqual([]);
    expect(seen).toMatchObject([{ at: { offset: 41 }, position: { epoch: 1, offset: 3 } }]);
  });

  test('in the epoch that is open', async () => {
    const { old, open, seen, putOld, putOpen, look } = await world(0, 3);
    await putOld(change(1, 7));
    await putOpen(...Array.from({ length: 40 }, (_, n) => change(n + 1, 7)));
    await look();
    expect(old.records[0]).toHaveLength(1);
    expect(open.records.flat()).toHaveLength(40);
    expect(seen).toMatchObject([{ at: { epoch: 1, offset: 0 }, position: { epoch: 2, offset: 0 } }]);
  });
});

test('what is no event of this log is kept as refused, and told', async () => {
  const { old, open, state, seen, look } = await world(0);
  await old.append(0, [{ key: Buffer.from('x'), value: Buffer.from('y'), headers: [] }]);
  await look();
  expect(open.records.flat()).toEqual([]);
  expect(seen).toMatchObject([{ id: null, position: null, refused: expect.stringMatching(/^foreign: /) }]);
  const kept = state.blobs.get('refused/straggler/annal.e1/0/0.json');
  expect(JSON.parse(String(kept))).toMatchObject({
    refusals: [{ code: 'EPOCH_CLOSED' }],
    value: Buffer.from('y').toString('base64'),
  });
});

test('an append that fails keeps its progress: nothing is passed over', async () => {
  const { open, clock, seen, putOld, look, work } = await world(0);
  await putOld(change(1), change(2));
  open.fortune = () => 'refused';
  await expect(clock.until(republishStragglers(work, signal))).rejects.toMatchObject({
    code: 'LOG_UNAVAILABLE',
  });
  open.fortune = () => 'ok';
  await look();
  expect(ids(open)).toEqual([1, 2].map(idOf));
  expect(seen).toHaveLength(2);
});
