import { expect, test } from 'vitest';
import { elasticsearchReadModel } from '../../../../src/adapters/elasticsearch/read-model.ts';
import { encodeSegment } from '../../../../src/formats/segment.ts';
import { entities } from '../../../../src/projections/entities.ts';
import { segmentName } from '../../../../src/streams/archive-names.ts';
import { verify } from '../../../../src/streams/verify.ts';
import { anEvent, recordOf } from '../../../given/events.ts';
import { rebuildEntities } from '../../../given/rebuilt.ts';
import { openWorld } from '../../../given/world.ts';
import { elasticsearchUrl, ownPrefix } from './given.ts';
import { elasticsearchPlants } from './plants.ts';

const count = 200_000;
const perSegment = 20_000;
const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n},PROD)`;

test('one altered, one missing and one extra document among 200,000 are named, and repaired', async () => {
  await using world = await openWorld(1);
  await using place = ownPrefix();
  await using model = elasticsearchReadModel({ url: elasticsearchUrl(), prefix: place.prefix });
  const lane = { topic: world.epoch.name, epoch: 1, partition: 0 };
  for (let first = 0; first < count; first += perSegment) {
    const records = Array.from({ length: perSegment }, (_, n) =>
      recordOf(anEvent({ n: first + n, urn: urn(first + n) }), first + n),
    );
    await world.store.truth.create(segmentName(lane, first), encodeSegment(lane, records));
  }
  const context = { ...world.context, model, barrier: { others: false } };
  const signal = AbortSignal.timeout(280_000);
  const rebuilt = await rebuildEntities(context, { signal });
  expect(rebuilt).toMatchObject({ documents: count, search: { documents: count, drawn: 1_000, unfound: 0 } });
  const index = (await model.serving(entities.definition))!;
  const plant = elasticsearchPlants(place.prefix);
  await plant.gone(index, urn(7));
  await plant.body(index, urn(123_456), (body) => body.replace('"orders', '"olders'));
  await index.store([{ id: urn(count), version: 5, body: Buffer.from('{}'), search: null }], 2 ** 52);
  const report = await verify(context, entities, 'v1', () => undefined, signal, { repair: true });
  expect(report).toMatchObject({ equal: true, documents: count, foundRoot: rebuilt.root });
  expect(report.repair).toMatchObject({ written: 2, removed: 1 });
  expect(new Set(report.repair!.differences.map(({ id, what }) => `${what} ${id}`))).toEqual(
    new Set([`missing ${urn(7)}`, `altered ${urn(123_456)}`, `extra ${urn(count)}`]),
  );
  expect(report.heldMs).toBeLessThan(5_000);
  process.stdout.write(
    `${count} documents: fold ${rebuilt.foldMs} ms, proof ${rebuilt.readBackMs} ms, verified twice and repaired ${report.durationMs} ms\n`,
  );
});
