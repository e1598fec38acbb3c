import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../src/client/change.ts';
import { PublishError } from '../../src/client/publish-error.ts';
import { publishSnapshot, type SnapshotPublishing } from '../../src/client/publish-snapshot.ts';
import { openPublisher } from '../../src/client/publisher.ts';
import type { Found } from '../../src/client/snapshot.ts';
import { stateFile } from '../../src/client/state-file.ts';
import { type ScriptedTransport, scriptedTransport } from '../given/scripted-transport.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'annal-snapshot-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const foundOf = (entities: Readonly<Record<string, Readonly<Record<string, JsonValue>>>>): Found =>
  new Map(Object.entries(entities).map(([urn, aspects]) => [urn, new Map(Object.entries(aspects))]));
const many = (count: number): Found =>
  foundOf(Object.fromEntries(Array.from({ length: count }, (_, n) => [`urn${n}`, { a: n }])));

async function publish(
  found: Found,
  transport: ScriptedTransport = scriptedTransport(),
  more: Partial<SnapshotPublishing> = {},
) {
  const backoff = { firstMs: 1, mostMs: 2 };
  await using publisher = openPublisher({ transport, backoff, lingerMs: 0, patienceMs: 0 });
  const source = { plugin: 'test', runId: 'run' };
  const state = stateFile(join(folder, 'sub', 'state.json'));
  const report = await publishSnapshot(found, { publisher, state, source, complete: true, ...more });
  const told = transport.arrived.map(({ urn, aspect, change: kind = 'UPSERT', value }) =>
    [urn, aspect ?? '*', kind, ...(value === undefined ? [] : [value])].join(' '),
  );
  return { report, told, ids: transport.sent.flat().map(({ id }) => id) };
}

describe('a snapshot', () => {
  test('publishes what differs from the one before, and nothing else', async () => {
    const first = await publish(foundOf({ x: { a: 1, b: 2 }, y: { a: 1 }, z: { a: 1 } }));
    expect(first.told).toEqual(['x a UPSERT 1', 'x b UPSERT 2', 'y a UPSERT 1', 'z a UPSERT 1']);
    const again = await publish(foundOf({ x: { a: 1, b: 2 }, y: { a: 1 }, z: { a: 1 } }));
    expect(again.report).toEqual({ published: 0, refused: 0, unchanged: 3, held: undefined });
    const changed = await publish(foundOf({ x: { a: 1 }, y: { a: 2 } }));
    expect(changed.told).toEqual(['x b DELETE', 'y a UPSERT 2', 'z * DELETE']);
    expect((await publish(foundOf({ x: { a: 1 }, y: { a: 2 } }))).told).toEqual([]);
  });

  test('that could not look at everything deletes nothing', async () => {
    await publish(foundOf({ x: { a: 1, b: 1 }, y: { a: 1 }, z: { a: 1 } }));
    const { told, report } = await publish(foundOf({ x: { a: 2 }, y: { a: 1 } }), scriptedTransport(), {
      complete: false,
    });
    expect(told).toEqual(['x a UPSERT 2']);
    expect(report.held).toEqual({ reason: 'incomplete', count: 1, owned: 3 });
  });

  test('deletes two fifths of what it knows at most, unless it is told to', async () => {
    await publish(many(10));
    expect((await publish(many(5))).report).toMatchObject({
      published: 0,
      held: { reason: 'too-many', count: 5 },
    });
    expect((await publish(many(6))).report).toMatchObject({ published: 4, held: undefined });
    const allowed = await publish(foundOf({}), scriptedTransport(), { allowDeletions: true });
    expect(allowed.report).toMatchObject({ published: 6, held: undefined });
  });

  test('sends what may have been sent before under the same id', async () => {
    const lost = scriptedTransport();
    lost.turns.push('lose');
    const first = await publish(foundOf({ x: { a: 1 } }), lost);
    expect(first.report).toMatchObject({ published: 0, refused: 1 });
    const second = await publish(foundOf({ x: { a: 1 } }));
    expect(second.ids).toEqual(first.ids);
    expect((await publish(foundOf({ x: { a: 1 } }))).ids).toEqual([]);
  });

  test('keeps the id of what failed in a way that tells nothing', async () => {
    const failing = scriptedTransport();
    failing.turns.push((parcels) =>
      parcels.map(() => ({ refused: new PublishError('INTERNAL', { detail: 'failed', status: 500 }) })),
    );
    const first = await publish(foundOf({ x: { a: 1 } }), failing);
    expect(first.report).toMatchObject({ refused: 1 });
    expect((await publish(foundOf({ x: { a: 1 } }))).ids).toEqual(first.ids);
  });

  test('gives another content another id, also while the one before is in doubt', async () => {
    const lost = scriptedTransport();
    lost.turns.push('lose');
    const first = await publish(foundOf({ x: { a: 1 } }), lost);
    const second = await publish(foundOf({ x: { a: 2 } }));
    expect(second.ids).not.toEqual(first.ids);
    const third = await publish(foundOf({ x: { a: 1 } }));
    expect(third.told).toEqual(['x a UPSERT 1']);
    expect(third.ids).not.toEqual(first.ids);
  });

  test('tells everything of an entity anew whose deletion may have come through', async () => {
    await publish(many(4));
    const lost = scriptedTransport();
    lost.turns.push('lose');
    expect((await publish(many(3), lost)).told).toEqual(['urn3 * DELETE']);
    expect((await publish(many(4))).told).toEqual(['urn3 a UPSERT 3']);
    expect((await publish(many(4))).told).toEqual([]);
  });

  test('tries what was refused again the next time, as a change of its own', async () => {
    const refusing = scriptedTransport();
    refusing.turns.push((parcels) =>
      parcels.map(() => ({ refused: new PublishError('ASPECT_INVALID', { detail: 'no' }) })),
    );
    const seen: string[] = [];
    const first = await publish(foundOf({ x: { a: 1 } }), refusing, {
      onRefused: ({ urn }, { code }) => seen.push(`${urn} ${code}`),
    });
    expect(seen).toEqual(['x ASPECT_INVALID']);
    const second = await publish(foundOf({ x: { a: 1 } }));
    expect(second.told).toEqual(['x a UPSERT 1']);
    expect(second.ids).not.toEqual(first.ids);
  });
});

describe('a state file', () => {
  test('that somebody else wrote stops the plugin before it deletes anything', async () => {
    const path = join(folder, 'state.json');
    const bad = ['', '{', '[]', '{"version":2}', '{"version":1}', '{"version":1,"entities":[["x"]]}'];
    for (const text of [...bad, '{"version":1,"entities":[["x",[["a"]]]]}']) {
      await writeFile(path, text);
      await expect(stateFile(path).load()).rejects.toMatchObject({ code: 'PLUGIN_STATE_INVALID' });
    }
  });

  test('is there whole or not at all', async () => {
    const path = join(folder, 'state.json');
    const state = stateFile(path);
    expect(await state.load()).toEqual(new Map());
    const known = new Map([['x', new Map([['__proto__', { hash: 'h' }]])]]);
    await state.save(known);
    expect(await state.load()).toEqual(known);
    expect(await readFile(`${path}.new`, 'utf8').catch(({ code }) => code)).toBe('ENOENT');
  });
});
