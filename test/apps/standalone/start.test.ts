import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sqliteReadModel } from '../../../src/adapters/sqlite/read-model.ts';
import { jsonLog } from '../../../src/apps/serve.ts';
import { start } from '../../../src/apps/standalone/start.ts';
import { entities } from '../../../src/projections/entities.ts';
import { caughtUp, embedded, submit } from '../../given/annal.ts';

test('a projection that halts keeps nobody from starting: it is named, and a rebuild cures it', async () => {
  await using folder = await embedded();
  {
    await using annal = await folder.open();
    await submit(annal, [
      {
        urn: 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.orders,PROD)',
        aspect: 'status',
        value: { removed: false },
      },
    ]);
    await caughtUp(annal);
  }
  {
    await using model = sqliteReadModel({ dir: join(folder.config.dataDir, 'read') });
    const index = await model.serving(entities.definition);
    await index!.saveProgress([{ epoch: 7, partition: 1, next: 1, timeMax: 0 }]);
  }
  const printed: string[] = [];
  await using serving = await start({
    config: folder.config,
    sample: false,
    log: jsonLog('silent', process.stderr),
    print: (line) => printed.push(line),
    scan: () => Promise.reject(new Error('there is nothing to scan')),
    signal: new AbortController().signal,
  });
  expect(printed.filter((line) => line.startsWith('entities'))).toEqual([
    expect.stringMatching(/^entities is not ready: VERSION_AHEAD: /u),
  ]);
  const { runtime } = serving.annal;
  expect(await runtime.projections()).toMatchObject([
    { projection: 'entities', state: 'halted', cut: { epoch: 7, next: [0, 1] } },
    { projection: 'history', state: 'following' },
    { projection: 'edges', state: 'following' },
  ]);
  const verified = await runtime.verify('entities');
  expect(await runtime.ended(verified.id)).toMatchObject({
    state: 'failed',
    fault: { code: 'VERSION_AHEAD' },
  });
  const started = await runtime.rebuild('entities');
  expect(await runtime.ended(started.id)).toMatchObject({ state: 'done' });
  await expect.poll(async () => (await runtime.health()).reasons, { timeout: 5_000 }).toEqual([]);
});
