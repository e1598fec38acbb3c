import { expect, test } from 'vitest';
import { whoDidWhat } from '../../../src/apps/cli/rebuild-share.ts';

test('a process that came to a rebuild that was over is told so', () => {
  const member = { units: 2, records: 9, documents: 1_200, takenOver: 0, left: 0 };
  const members = [
    { by: '0/2 a:1', ...member },
    { by: '1/2 b:1', ...member, takenOver: 1 },
  ];
  const report = {
    ...{ projection: 'entities', id: 'the-id', ledBy: '1/2 b:1', members },
    endedAt: Date.UTC(2026, 0, 2),
  };
  const both = [
    'entities: 0/2 a:1 2 units, 1,200 documents',
    'entities: 1/2 b:1 (led) 2 units, 1,200 documents, 1 of the units taken over',
  ];
  for (const { by } of members) expect(whoDidWhat(report, by)).toEqual(both);
  expect(whoDidWhat(report, '0/2 a:7')).toEqual([
    ...both,
    'entities: nothing was left to do of the-id, which ended 2026-01-02T00:00:00.000Z; another rebuild takes another word: --run',
  ]);
});
