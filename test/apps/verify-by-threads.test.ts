import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { folderReading } from '../../src/adapters/folder/reading.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { verifyByThreads } from '../../src/apps/verify-by-threads.ts';
import { completeLane, lanesOf } from '../../src/streams/complete.ts';
import { keepVkey } from '../../src/streams/tree-signing.ts';
import { type VerifyArchiveOptions, verifyArchive } from '../../src/streams/verify-archive.ts';
import { twoEpochs } from '../given/two-epochs.ts';
import { wholeSigner } from '../given/whole-archive.ts';

let dir: string;
let options: VerifyArchiveOptions;
const threads = { threads: 3, worthBytes: 0 };

/** Five lanes. At fault are the second and third, which go to threads at once: a flipped bit, no tiles. And no schema. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-threads-'));
  await using store = folderArchive({ dir });
  const { epochs } = await twoEpochs(store);
  await keepVkey(store.truth, wholeSigner);
  for (const lane of lanesOf(epochs))
    await completeLane({ store, clock: systemClock, log: epochs[0]!.log, signer: wholeSigner }, lane);
  const chain = join(dir, 'archive/segments/annal/1/1');
  const file = join(chain, (await readdir(chain)).sort()[0]!);
  const bytes = await readFile(file);
  bytes[bytes.length - 40]! ^= 1;
  await writeFile(file, bytes);
  await rm(join(dir, 'state/trees/annal/2/0/tile/0'), { recursive: true });
  options = { store: folderReading({ dir }), clock: systemClock, deep: true, keys: [], kept: [] };
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('threads find what one finds, and say it in the same order', async () => {
  const alone = await verifyArchive(options);
  const places = alone.findings.map(({ part, epoch, partition }) => `${part} ${epoch}-${partition}`);
  expect(new Set(places)).toEqual(new Set(['segment 1-1', 'index 1-1', 'tile 2-0', 'schema 1-0']));
  const shared = await verifyByThreads({ folder: dir }, options, threads);
  expect({ ...shared, elapsedMs: 0 }).toEqual({ ...alone, elapsedMs: 0 });
});

test('they tell how far they are', async () => {
  const told: number[] = [];
  const onProgress = ({ records }: { readonly records: number }): void => void told.push(records);
  const report = await verifyByThreads({ folder: dir }, { ...options, onProgress }, threads);
  expect(told.at(-1)).toBe(report.records);
});

test('what a thread cannot read is the fault that it met, and a stop ends them', async () => {
  const nowhere = { folder: join(dir, 'archive/epochs/1.json') };
  await expect(verifyByThreads(nowhere, options, threads)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  const stopped = verifyByThreads(
    { folder: dir },
    { ...options, signal: AbortSignal.abort('enough') },
    threads,
  );
  await expect(stopped).rejects.toBe('enough');
});
