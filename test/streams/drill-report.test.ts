import { expect, test } from 'vitest';
import { isFault } from '../../src/domain/fault.ts';
import { openNote } from '../../src/formats/note.ts';
import { formatSkey, parseSkey, parseVkey } from '../../src/formats/note-key.ts';
import { signedJson } from '../../src/formats/signed-json.ts';
import {
  type DrillReport,
  drillIds,
  drillNote,
  keepDrill,
  notRecovered,
  parseDrill,
  readDrill,
} from '../../src/streams/drill-report.ts';
import { memoryState } from '../given/memory-state.ts';

const report = (id: string): DrillReport => ({
  ...{ id, kind: 'drill', log: 'a-log', name: 'annal', result: 'proven', fault: null },
  ...{ archive: '/archive', into: '/scratch', checkpoint: null, models: [] },
  ...{ startedAt: 1_763_600_000_000, endedAt: 1_763_600_009_000, tookMs: 9_000, notRecovered },
});
const [older, newer] = ['0199d2a4-6d0c-7f54-9c35-5d2f3f1f7c11', '0199d2a4-6d0d-7f54-9c35-5d2f3f1f7c11'];
const signer = parseSkey(formatSkey('annal/test', Buffer.alloc(32, 7)));

test('a report comes back as it was signed, and the newest first', async () => {
  const state = memoryState();
  for (const id of [older, newer]) await keepDrill(state, drillNote(report(id), signer));
  expect(await drillIds(state)).toEqual([newer, older]);
  const kept = (await readDrill(state, older))!;
  expect(kept).toMatchObject({ report: report(older), signedBy: ['annal/test'] });
  expect(openNote(Buffer.from(kept.note), [parseVkey(signer.vkey)]).known).toHaveLength(1);
  expect(await readDrill(state, '../keys')).toBeUndefined();
  expect(parseDrill(Buffer.from(drillNote(report(older), undefined).note)).signedBy).toEqual([]);
});

test('what is kept stays: the same again changes nothing, another one of its id is refused', async () => {
  const state = memoryState();
  const kept = drillNote(report(older), signer);
  for (const given of [kept, kept]) await keepDrill(state, given);
  for (const other of [
    drillNote(report(older), undefined),
    drillNote({ ...report(older), tookMs: 1 }, signer),
  ])
    await expect(keepDrill(state, other)).rejects.toThrow('NOTE_INVALID');
  expect(await readDrill(state, older)).toEqual(kept);
});

test('a report with a part that is no such part is refused', () => {
  const whole = report(older);
  const model = {
    ...{
      projection: 'entities',
      version: 1,
      cut: '1:3',
      events: 3,
      documents: 2,
      unindexable: 0,
      root: 'ab',
      tookMs: 5,
    },
    live: { index: 'entities-v1-abc', root: 'ab', unsearchable: 0 },
  };
  const noted = (value: unknown): Buffer =>
    Buffer.from(signedJson('annal drill report v1', value, signer).note);
  expect(parseDrill(noted({ ...whole, models: [model] })).report.models).toEqual([model]);
  for (const wrong of [
    null,
    [],
    'x',
    { id: older, log: 'a-log', models: [] },
    ...[
      { kind: 'x' },
      { result: null },
      { tookMs: '9' },
      { endedAt: 1.5 },
      { notRecovered: [null] },
      { fault: {} },
    ],
    ...[{ checkpoint: { origin: 'x' } }, { models: [null] }, { models: [{ ...model, root: 1 }] }].flat(),
    { models: [{ ...model, live: { index: 1, root: 'ab', unsearchable: 0 } }] },
  ].map((part, nth) => (nth < 4 ? part : { ...whole, ...(part as object) })))
    expect(() => parseDrill(noted(wrong)), JSON.stringify(wrong)).toThrow('NOTE_INVALID');
});

test('what is no report, or was written otherwise than canonical, is refused', () => {
  const { note } = drillNote(report(older), undefined);
  for (const wrong of [
    '',
    note.replace('drill', 'rebuild'),
    note.replace('{', '{ '),
    `${note}more\n`,
    note.replace(older, 'x'),
    'annal drill report v1\n{\n',
  ])
    expect(() => parseDrill(Buffer.from(wrong))).toThrow(
      expect.toSatisfy((error) => isFault(error, 'NOTE_INVALID')),
    );
});
