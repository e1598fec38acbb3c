import { expect, test } from 'vitest';
import type { OpenAnnal } from '../../src/apps/open-annal.ts';
import { rootOf } from '../../src/formats/root.ts';
import { entities } from '../../src/projections/entities.ts';
import { entityQuery } from '../../src/projections/queries.ts';
import { projections } from '../../src/projections/registry.ts';
import { caughtUp, embedded, submit } from '../given/annal.ts';

const urn = (name: string): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`;
const upsert = (name: string, value: unknown = { name, description: `the ${name} of the shop` }) => ({
  urn: urn(name),
  aspect: 'datasetProperties',
  value,
});

async function find({ runtime }: OpenAnnal, text: string): Promise<string[]> {
  const index = await runtime.model.serving(entities.definition);
  return (await index!.query(entityQuery({ text, limit: 10 }, 'all'))).hits.map(({ id }) => id);
}

async function roots({ runtime }: OpenAnnal): Promise<string[]> {
  return Promise.all(
    projections.map(async ({ definition }) => {
      const root = rootOf();
      const index = await runtime.model.serving(definition);
      for await (const documents of index!.scan())
        for (const { id, version, body } of documents) root.add(id, version, body);
      return root.root();
    }),
  );
}

test('what is published is found, also after a restart, a rebuild and a verification', async () => {
  await using folder = await embedded();
  {
    await using annal = await folder.open();
    const results = await submit(annal, [
      upsert('orders'),
      upsert('customers'),
      upsert('orders', { name: 'orders', description: 'renamed' }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['appended', 'appended', 'appended']);
    await caughtUp(annal);
    expect(await find(annal, 'orders')).toEqual([urn('orders')]);
  }
  await using annal = await folder.open();
  await submit(annal, [upsert('payments')]);
  await caughtUp(annal);
  expect(await find(annal, 'shop')).toEqual([urn('customers'), urn('orders'), urn('payments')]);
  const before = await roots(annal);
  for (const { definition } of projections) {
    const started = await annal.runtime.rebuild(definition.projection);
    expect(await annal.runtime.ended(started.id)).toMatchObject({ state: 'done', fault: null });
    const verified = await annal.runtime.verify(definition.projection);
    expect((await annal.runtime.ended(verified.id)).verified).toMatchObject({ equal: true, differing: 0 });
  }
  expect(await roots(annal)).toEqual(before);
  expect(await annal.runtime.health()).toEqual({ ready: true, reasons: [] });
});

test('a second process is told who owns the folder', async () => {
  await using folder = await embedded();
  await using annal = await folder.open();
  annal.lock!.announce({ address: 'http://127.0.0.1:8080', pid: 1234 });
  await expect(folder.open()).rejects.toMatchObject({
    code: 'ALREADY_RUNNING',
    facts: { address: 'http://127.0.0.1:8080', pid: 1234 },
  });
});
