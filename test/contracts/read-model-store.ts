import { expect, test } from 'vitest';
import type { Document, LaneProgress } from '../../src/ports/read-model.ts';
import {
  definition,
  document,
  found,
  type ReadModelGiven,
  scanned,
  shape,
  versionsEnd,
} from './read-model.contract.ts';
import { bodies, ids } from './read-model-odd-texts.ts';

/** Laws on what is written and read back by id. */
export function readModelStoreLaws(given: ReadModelGiven): void {
  test.for([4, 5])('version %s does not replace version 5', async (version) => {
    const index = await given.fresh();
    await index.store([document('a', 5, 'five')], versionsEnd);
    const again = document('a', version, version === 5 ? 'five' : 'four');
    expect(await index.store([again], versionsEnd)).toEqual({ applied: 0, stale: 1, unindexable: [] });
    expect(shape((await index.load(['a'])).get('a')!)).toEqual(['a', 5, 'five']);
    expect(await found(index)).toEqual(['a']);
  });

  test('a higher version replaces body, fields and version', async () => {
    const index = await given.fresh();
    await index.store([document('a', 5, 'five', { key: 'old' })], versionsEnd);
    const report = await index.store([document('a', 6, 'six', { key: 'new' })], versionsEnd);
    expect(report).toEqual({ applied: 1, stale: 0, unindexable: [] });
    expect(shape((await index.load(['a'])).get('a')!)).toEqual(['a', 6, 'six']);
    expect(await found(index, { where: [{ field: 'key', anyOf: ['old'] }] })).toEqual([]);
    expect(await found(index, { where: [{ field: 'key', anyOf: ['new'] }] })).toEqual(['a']);
  });

  test('each document of a call is judged by itself', async () => {
    const index = await given.fresh();
    await index.store([document('a', 5), document('b', 5)], versionsEnd);
    const report = await index.store([document('a', 4), document('b', 6), document('c', 1)], versionsEnd);
    expect(report).toEqual({ applied: 2, stale: 1, unindexable: [] });
    const versions = [...(await index.load(['a', 'b', 'c'])).values()].map(({ version }) => version);
    expect(versions.sort()).toEqual([1, 5, 6]);
  });

  test('versions are exact up to the highest there can be', async () => {
    const index = await given.fresh();
    const versions = [0, 2 ** 44, 2 ** 53 - 2, 2 ** 53 - 1];
    await index.store(
      versions.map((version) => document(`v${version}`, version)),
      versionsEnd,
    );
    expect((await scanned(index)).map(({ version }) => version).sort((a, b) => a - b)).toEqual(versions);
    expect(await index.store([document(`v${2 ** 53 - 2}`, 2 ** 53 - 1)], versionsEnd)).toMatchObject({
      applied: 1,
    });
  });

  test('a version above the end of the log halts, at the end of the log it does not', async () => {
    const index = await given.fresh();
    await index.store([document('a', 9)], 9);
    expect(await index.store([document('a', 8)], 9)).toMatchObject({ stale: 1 });
    await expect(index.store([document('a', 7)], 8)).rejects.toMatchObject({
      code: 'VERSION_AHEAD',
      facts: { id: 'a', stored: 9, versionMax: 8 },
    });
  });

  test('other bytes at an equal version halt', async () => {
    const index = await given.fresh();
    await index.store([document('a', 5, '{"n":1.0}')], versionsEnd);
    await expect(index.store([document('a', 5, '{"n":1}')], versionsEnd)).rejects.toMatchObject({
      code: 'VERSION_AHEAD',
      facts: { id: 'a', stored: 5 },
    });
    expect(shape((await index.load(['a'])).get('a')!)).toEqual(['a', 5, '{"n":1.0}']);
  });

  test('what is stored is loaded at once, unrefreshed; what is not there is absent', async () => {
    const index = await given.fresh();
    for (let version = 1; version <= 20; version++) {
      await index.store(
        [document('a', version), document('hidden', version, '{"deleted":true}', null)],
        versionsEnd,
      );
      const loaded = await index.load(['a', 'none', 'hidden', 'a']);
      expect([...loaded.keys()].sort()).toEqual(['a', 'hidden']);
      expect(loaded.get('a')!.version).toBe(version);
    }
    expect(await index.load([])).toEqual(new Map());
    expect(await index.store([], versionsEnd)).toEqual({ applied: 0, stale: 0, unindexable: [] });
  });

  test('ids come back whole and stay apart', async () => {
    const index = await given.fresh();
    const documents = ids.map((id, n) => document(id, n + 1));
    await index.saveProgress([{ epoch: 1, partition: 0, next: 7, timeMax: 1 }]);
    expect(await index.store(documents, versionsEnd)).toMatchObject({ applied: ids.length });
    const loaded = await index.load(ids);
    expect(documents.map(({ id }) => shape(loaded.get(id)!))).toEqual(documents.map(shape));
    expect((await scanned(index)).map(shape).sort()).toEqual(documents.map(shape).sort());
    expect((await found(index)).sort()).toEqual([...ids].sort());
  });

  test('bodies come back byte for byte', async () => {
    const index = await given.fresh();
    const documents = bodies.map((body, n) => document(`d${n}`, n + 1, body));
    await index.store(documents, versionsEnd);
    const loaded = await index.load(documents.map(({ id }) => id));
    await index.refresh();
    const { hits } = await index.query({ where: [], sort: [{ field: 'key', order: 'asc' }], limit: 100 });
    const inScan = new Map((await scanned(index)).map((one) => [one.id, one]));
    for (const one of documents) {
      expect(Buffer.compare(loaded.get(one.id)!.body, one.body), `load ${one.id}`).toBe(0);
      expect(Buffer.compare(inScan.get(one.id)!.body, one.body), `scan ${one.id}`).toBe(0);
      expect(Buffer.compare(hits.find(({ id }) => id === one.id)!.body, one.body), `query ${one.id}`).toBe(0);
    }
  });

  test('bodies of megabytes are stored beside small ones', async () => {
    const index = await given.fresh();
    const big = JSON.stringify({ text: '"größe"\n'.repeat(250_000) });
    const documents = [
      document('small', 1),
      ...Array.from({ length: 5 }, (_, n) => document(`big${n}`, n + 2, big)),
    ];
    expect(await index.store(documents, versionsEnd)).toMatchObject({ applied: 6 });
    expect((await scanned(index)).map(shape).sort()).toEqual(documents.map(shape).sort());
    expect((await index.load(['big4'])).get('big4')!.body.equals(Buffer.from(big))).toBe(true);
    await index.refresh();
    expect(
      (await index.query({ where: [], sort: [{ field: 'key', order: 'asc' }], limit: 6 })).hits,
    ).toHaveLength(6);
  });

  test('hidden documents and tombstones are loaded and scanned, and never found', async () => {
    const index = await given.fresh();
    await index.store(
      [
        document('seen', 1),
        document('~state', 1, '{}', null),
        document('gone', 1),
        document('back', 1, '{}', null),
      ],
      versionsEnd,
    );
    await index.store([document('gone', 2, '{"deleted":true}', null), document('back', 2)], versionsEnd);
    expect(await found(index)).toEqual(['back', 'seen']);
    const everything = { either: [[]] };
    expect(await found(index, { where: [everything] })).toEqual(['back', 'seen']);
    expect(await found(index, { where: [{ field: 'key', anyOf: ['gone', '~state'] }] })).toEqual([]);
    expect((await scanned(index)).map(({ id }) => id).sort()).toEqual(['back', 'gone', 'seen', '~state']);
    expect((await index.load(['gone'])).get('gone')!.version).toBe(2);
  });

  test('a document that can never be searched is stored whole, hidden and counted, and the others are found', async () => {
    const index = await given.fresh({ key: 'keyword', size: 'long', words: 'words' });
    const wrong = [
      document('undeclared', 1, '{"whole":true}', { key: 'a', colour: 'red' }),
      document('text for a number', 2, '{}', { key: 'a', size: '12' }),
      document('no whole number', 3, '{}', { key: 'a', size: 1.5 }),
      document('number for a text', 4, '{}', { key: 12 }),
      document('keyword too long', 5, '{}', { key: 'é'.repeat(513) }),
      document('word too long', 6, '{}', { key: 'a', words: ['ok', 'w'.repeat(1_025)] }),
    ];
    const reasons = [
      'FIELD_UNDECLARED',
      'FIELD_MISTYPED',
      'FIELD_MISTYPED',
      'FIELD_MISTYPED',
      'FIELD_TOO_LONG',
      'FIELD_TOO_LONG',
    ];
    const unindexable = wrong.map(({ id }, n) => ({ id, reason: reasons[n]! }));
    expect(await index.store([...wrong, document('fine', 7)], versionsEnd)).toEqual({
      applied: 7,
      stale: 0,
      unindexable,
    });
    expect(await found(index)).toEqual(['fine']);
    const loaded = await index.load(wrong.map(({ id }) => id));
    for (const { id, version, body } of wrong) {
      expect(loaded.get(id)!.version).toBe(version);
      expect(loaded.get(id)!.body.equals(body)).toBe(true);
    }
    await index.refresh();
    const listed = async () => (await given.model.list()).find(({ name }) => name === index.name);
    expect(await listed()).toMatchObject({ documents: 7, unindexable: 6 });
    expect(await index.store(wrong, versionsEnd)).toEqual({ applied: 0, stale: 6, unindexable });
    expect(await index.store([document('undeclared', 8)], versionsEnd)).toMatchObject({ applied: 1 });
    expect(await found(index)).toEqual(['fine', 'undeclared']);
  });

  test('progress never falls, keeps lanes apart and is no document', async () => {
    const index = await given.fresh();
    expect(await index.progress()).toEqual([]);
    const lane = (partition: number, next: number, epoch = 1): LaneProgress => ({
      epoch,
      partition,
      next,
      timeMax: 1_700_000_000_000 + next,
    });
    await index.saveProgress([lane(0, 0), lane(1, 5), lane(10, 7), lane(1, 2 ** 44, 511)]);
    await index.saveProgress([lane(0, 3), lane(1, 4)]);
    await index.saveProgress([{ ...lane(1, 5), timeMax: 1 }]);
    await index.saveProgress([]);
    await index.refresh();
    expect(await index.visible()).toEqual(await index.progress());
    const inOrder = [...(await index.progress())].sort(
      (a, b) => a.epoch - b.epoch || a.partition - b.partition,
    );
    expect(inOrder).toEqual([lane(0, 3), lane(1, 5), lane(10, 7), lane(1, 2 ** 44, 511)]);
    await index.store([document('a', 1)], versionsEnd);
    expect((await scanned(index)).map(({ id }) => id)).toEqual(['a']);
    expect(await found(index)).toEqual(['a']);
    const listed = (await given.model.list()).find(({ name }) => name === index.name);
    expect(listed).toMatchObject({ documents: 1, serving: false, version: 1 });
  });

  test('a scan gives every document once, of one state', async () => {
    const index = await given.fresh();
    const before = Array.from({ length: 5_001 }, (_, n) => document(`d${n}`, 1, `{"n":${n}}`));
    expect(await index.store(before, versionsEnd)).toMatchObject({ applied: 5_001 });
    const seen: string[] = [];
    let batches = 0;
    for await (const batch of index.scan()) {
      batches += 1;
      seen.push(...batch.map((one) => shape(one).join(' ')));
      if (batches === 1) {
        await index.store(
          [document('late', 1), document('d5000', 2, 'new'), document('d0', 2, 'new')],
          versionsEnd,
        );
        await index.refresh();
      }
    }
    expect(batches).toBeGreaterThan(1);
    expect(seen.sort()).toEqual(before.map((one) => shape(one).join(' ')).sort());
    for await (const batch of index.scan()) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
  });

  test('after close everything is there again: documents, progress, what serves', async () => {
    const first = await given.under.open();
    const index = await first.create({ ...definition(), version: 3, log: 'log-1' }, 'x1');
    await first.swap(index.definition.projection, null, index.name);
    await index.store([document('a', 1), document('b', 2, '{"deleted":true}', null)], versionsEnd);
    await index.saveProgress([{ epoch: 1, partition: 2, next: 3, timeMax: 4 }]);
    await first[Symbol.asyncDispose]();

    await using second = await given.under.open();
    const serving = (await second.serving(index.definition))!;
    expect([serving.name, serving.definition]).toEqual([index.name, index.definition]);
    expect((await scanned(serving)).map(shape).sort()).toEqual([
      shape(document('a', 1)),
      ['b', 2, '{"deleted":true}'],
    ]);
    expect(await serving.progress()).toEqual([{ epoch: 1, partition: 2, next: 3, timeMax: 4 }]);
    expect(await found(serving)).toEqual(['a']);
    expect(await serving.store([document('a', 1)], versionsEnd)).toMatchObject({ stale: 1 });
  });

  test('a repair puts documents in the place of whatever stands, and what it takes away nothing remembers', async () => {
    const index = await given.fresh({ key: 'keyword', words: 'words' });
    const made = (id: string, version: number, body: string): Document =>
      document(id, version, JSON.stringify(body), { key: id, words: ['all', body] });
    const before = ['missing', 'equal', 'lower', 'higher', 'gone', 'other'].map((id) => made(id, 50, 'old'));
    await index.store(before.slice(1), versionsEnd);
    const versions = { missing: 9, equal: 50, lower: 60, higher: 7 };
    const documents = Object.entries(versions).map(([id, version]) => made(id, version, 'new'));
    expect(await index.repair(documents, ['gone', 'never there'])).toEqual({
      ...{ applied: 4, stale: 0, unindexable: [] },
    });
    expect((await scanned(index)).map(shape).sort()).toEqual(
      [...documents, made('other', 50, 'old')].map(shape).sort(),
    );
    const ofWord = (word: string) =>
      found(index, { where: [{ field: 'words', words: [word], prefix: false }] });
    expect(await ofWord('old')).toEqual(['other']);
    expect(await ofWord('new')).toEqual(['equal', 'higher', 'lower', 'missing']);
    const again = [made('gone', 3, 'again'), made('higher', 8, 'again')];
    expect(await index.store(again, versionsEnd)).toMatchObject({ applied: 2, stale: 0 });
    expect(await ofWord('again')).toEqual(['gone', 'higher']);
    expect(await index.repair([], [])).toMatchObject({ applied: 0 });
  });
}
