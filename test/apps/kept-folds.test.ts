import { expect, test } from 'vitest';
import { foldKeeper, loadBundle, packFold } from '../../src/apps/kept-folds.ts';
import { Fault, isFault } from '../../src/domain/fault.ts';
import { bundleBytes, parseBundle } from '../../src/formats/fold-bundle.ts';
import { entities } from '../../src/projections/entities.ts';
import { foldingOf } from '../../src/projections/folding.ts';
import { projections } from '../../src/projections/registry.ts';
import { readState } from '../../src/projections/state-text.ts';
import { bundleName } from '../../src/streams/archive-names.ts';
import entitiesV2 from '../given/entities-v2.ts';
import { foldInBatches, readAll, rootOfDocuments } from '../given/fold.ts';
import { memoryState } from '../given/memory-state.ts';
import { firstCorpus, wideCorpus } from '../projections/frozen-events.ts';

const named = projections.map((projection) => [projection.definition.projection, projection] as const);
test.each(
  named,
)('kept code folds as the program that kept it, and shares nothing with it: %s', async (_, projection) => {
  const state = memoryState();
  const kept = await foldKeeper(state).keepFold(projection);
  const loaded = (await foldKeeper(state).keptFold(kept!))!;
  expect(loaded).not.toBe(projection);
  expect([loaded.definition, loaded.frozen]).toEqual([projection.definition, projection.frozen]);
  const { readRecord, readState: readKept, foldBatch } = foldingOf(loaded);
  expect(readKept).not.toBe(readState);
  for (const records of [firstCorpus(), wideCorpus()]) {
    const reads = records.map((record) =>
      readRecord(record, { epoch: 1, partition: 0, partitions: 1 }, record.appendTime, () => undefined),
    );
    const own = foldInBatches(projection, readAll(records), [3], readState);
    const theirs = foldInBatches(loaded, reads, [3], readKept, foldBatch);
    expect(rootOfDocuments(theirs.values())).toBe(rootOfDocuments(own.values()));
  }
});

test('a fault of kept code is a fault here, and one of ours is one there', async () => {
  const state = memoryState();
  const { keepFold, keptFold } = foldKeeper(state);
  const loaded = (await keptFold((await keepFold(entities))!))!;
  const { readState: readKept, readRecord } = foldingOf(loaded);
  const thrown = (() => {
    try {
      return readKept(Buffer.from('{'));
    } catch (error) {
      return error;
    }
  })();
  expect(isFault(thrown, 'MODEL_CORRUPT')).toBe(true);
  expect(Object.getPrototypeOf(thrown)).not.toBe(Fault.prototype);
  const [record] = wideCorpus();
  const foreign = {
    ...record!,
    headers: record!.headers.map(
      ([name, value]) =>
        [name, name.toString() === 'annal-schema' ? Buffer.from('ab'.repeat(32)) : value] as const,
    ),
  };
  const place = { epoch: 1, partition: 0, partitions: 1 };
  const refusing = (): never => {
    throw new Fault('AVRO_INVALID', { reason: 'told by the test' });
  };
  expect(readRecord(foreign, place, 0, refusing)).toMatchObject({
    kind: 'quarantined',
    record: { outcome: 'undecodable', reason: 'told by the test' },
  });
});

test('the same code is kept once, under the hash of its bytes; what is no part of this program is not kept', async () => {
  const state = memoryState();
  const { keepFold } = foldKeeper(state);
  const kept = await keepFold(entities);
  expect(kept).toMatch(/^[0-9a-f]{64}$/);
  const before = await state.read(bundleName(kept!));
  expect(await foldKeeper(state).keepFold(entities)).toBe(kept);
  expect((await state.read(bundleName(kept!)))?.etag).toBe(before?.etag);
  expect(await keepFold(entitiesV2)).toBeUndefined();
});

test('code whose bytes are not those of its name is never run, and neither is what was not kept', async () => {
  const state = memoryState();
  const { keepFold, keptFold } = foldKeeper(state);
  const kept = (await keepFold(entities))!;
  const { entry, files } = parseBundle((await state.read(bundleName(kept)))!.bytes, 'b');
  const planted = { entry, files: { ...files, [entry]: 'globalThis.planted = true;\nexport default {};\n' } };
  await state.replace(bundleName(kept), bundleBytes(planted));
  await expect(foldKeeper(state).keptFold(kept)).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
    facts: { blob: bundleName(kept) },
  });
  expect(globalThis).not.toHaveProperty('planted');
  expect(await keptFold('0'.repeat(64))).toBeUndefined();
  await expect(keptFold('../../tail')).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' });
});

const corrupt = { code: 'ARCHIVE_CORRUPT' };

test('a bundle that does not load, or gives no projection with what is around it, is none', async () => {
  const { entry, files } = packFold(entities);
  for (const text of [
    'import "./gone.ts";',
    'export default 7;',
    "import { entities } from './src/projections/entities.ts';\nexport default entities;\n",
  ])
    await expect(loadBundle({ entry, files: { ...files, [entry]: text } }, 'b')).rejects.toMatchObject(
      corrupt,
    );
});
