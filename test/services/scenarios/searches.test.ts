import { mkdtemp, rm } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownProfile } from './own-profile.ts';
import { searchedInFull, searchedInOne, type Told } from './searched-rebuilds.ts';

const tables = 4_000;

// What searches take is a row of the bench: a machine that is busy with other work says nothing of it here.
function expectAnswered({ phases, rebuilt, back }: Told): void {
  const faults = [...phases].map(([phase, { failed, empty }]) => ({ phase, failed, empty }));
  expect(faults).toEqual([...phases.keys()].map((phase) => ({ phase, failed: [], empty: [] })));
  for (const [phase, { sent, tookMs }] of phases) {
    expect(sent, phase).toBeGreaterThan(0);
    expect(tookMs.length, phase).toBe(sent);
  }
  expect(rebuilt.resumed).toBe(1);
  expect(rebuilt.index).not.toBe(rebuilt.replaced);
  expect(back).toMatchObject({ index: rebuilt.replaced, replaced: rebuilt.index });
}

test('searches on Elasticsearch are answered through a rebuild, its SIGKILL, its end, the swap and the way back, while events flow', async () => {
  await using profile = await ownProfile();
  const told = await searchedInFull(profile, tables);
  expectAnswered(told);
  expect([...told.phases.keys()]).toEqual(['idle', 'rebuild', 'killed', 'resumed', 'swapped', 'rolled back']);
  expect(told.priority).toBeGreaterThan(getPriority());
  expect(told.written).toBeGreaterThan(0);
});

test('searches on SQLite, everything in one process, are answered whenever it lives, while it is rebuilt, swapped and taken back', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'annal-searches-'));
  try {
    const told = await searchedInOne(join(dir, 'data'), tables);
    expectAnswered(told);
    expect([...told.phases.keys()]).toEqual(['idle', 'rebuild', 'resumed', 'swapped', 'rolled back']);
    expect(told.written).toBeGreaterThan(0);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
});
