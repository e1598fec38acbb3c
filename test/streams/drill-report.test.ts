import { expect, test } from 'vitest';
import { isFault } from '../../src/domain/fault.ts';
import { openNote } from '../../src/formats/note.ts';
import { formatSkey, parseSkey, parseVkey } from '../../src/formats/note-key.ts';
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
