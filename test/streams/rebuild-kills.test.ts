import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { sqliteReadModel } from '../../src/adapters/sqlite/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import type { RebuildReport } from '../../src/streams/rebuild-report.ts';
import { anEvent } from '../given/events.ts';
import { archiveEvents, blobsBelow, rebuildEntities, tableUrn } from '../given/rebuilt.ts';
import { manyEvents, openWorld } from '../given/world.ts';

const program = join(import.meta.dirname, '../given/crashing-rebuild.ts');

async function run(dir: string, point: string) {
  const child = spawn(process.execPath, [program, dir, point], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [out, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { out, code, signal };
}

// More bytes than one store takes, so that a kill comes in between.
const tables = 40;
const text100k = 'x'.repeat(100_000);

test('killed at every step, it is gone on with by the next process: one index, no step again, the same root', {
  timeout: 60_000,
}, async () => {
  await using world = await openWorld(1);
  await archiveEvents(
    world,
    manyEvents(tables, (n) =>
      anEvent({ n, urn: tableUrn(n), value: { name: `table ${n}`, description: text100k } }),
    ),
  );
  const first = await rebuildEntities(world.context);
  // From here on other processes hold the folder.
  await world.model[Symbol.asyncDispose]();

  for (const [points, isFilled] of [
    [['create', 'store-1', 'refresh'], true],
    [['read-back', 'swap', 'swapped'], false],
  ] as const) {
    for (const point of points)
      expect(await run(world.dir, point), point).toMatchObject({ signal: 'SIGKILL' });
    const { out, code } = await run(world.dir, 'none');
    expect(code).toBe(0);
    const report = JSON.parse(out) as RebuildReport & { readonly stores: number };
    expect(report).toMatchObject({ root: first.root, documents: tables, resumed: points.length });
    expect(report.stores > 0).toBe(isFilled);
    await using model = sqliteReadModel({ dir: `${world.dir}/read` });
    expect((await model.serving(entities.definition))?.name).toBe(report.index);
    // What it replaced is kept; of the processes that were killed nothing else is left.
    const names = (await model.list()).map(({ name }) => name);
    expect(names.sort()).toEqual([report.index, report.replaced].sort());
    expect(await blobsBelow(world, `rebuilds/${report.id}/`)).toEqual([]);
  }
});
