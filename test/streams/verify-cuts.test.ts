import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { folderReading } from '../../src/adapters/folder/reading.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { entryBundle, readEntryBundle } from '../../src/formats/tile.ts';
import { publishCut } from '../../src/streams/meta-log.ts';
import { verifyArchive } from '../../src/streams/verify-archive.ts';
import { chapters, makeWhole, wholeEpoch, wholeSigner } from '../given/whole-archive.ts';

const minute = 60_000;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-verify-cuts-'));
  await using store = folderArchive({ dir });
  await makeWhole(store, { of: chapters.slice(0, 1) });
  const { log, name, epoch, partitions } = wholeEpoch;
  let time = Date.now();
  const clock = { ...systemClock, now: () => time };
  // A cut each minute, a checkpoint each tenth of them: one is signed there already.
  const signing = { signer: wholeSigner, signMs: 10 * minute };
  for (let n = 0; n < 25; n += 1) {
    time += minute;
    await publishCut({ store, clock, log, name, epoch, partitions, ...signing });
  }
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function verified() {
  await using store = folderReading({ dir });
  return verifyArchive({ store, clock: systemClock, deep: true, keys: [], kept: [] });
}

test('every cut between two checkpoints is looked at', async () => {
  const folder = join(dir, 'archive/cuts/annal');
  const names = (await readdir(folder)).sort();
  const bundles = await Promise.all(
    names.map(async (name) => readEntryBundle(await readFile(join(folder, name)))),
  );
  expect(bundles.map(({ length }) => length)).toEqual([1, 10, 10]);
  expect(await verified()).toMatchObject({ findings: [], cuts: 21 });

  const [, second = []] = bundles;
  const path = join(folder, names[1]!);
  await writeFile(path, entryBundle(second.slice(0, 9)));
  expect((await verified()).findings).toContainEqual(
    expect.objectContaining({ part: 'cuts', of: 'truth', wrong: 'missing', leaf: 10 }),
  );
  const other = Buffer.from(second[4]!.toString().replace(/"time":\d/, '"time":2'));
  await writeFile(path, entryBundle(second.with(4, other)));
  expect((await verified()).findings).toContainEqual(
    expect.objectContaining({ part: 'cuts', of: 'truth', leaf: expect.any(Number) }),
  );
});
