import { type Draw, drawFrom } from '../draw.ts';
import { person, program } from './authors.ts';
import { hourMs, isoDay, mondays, utc } from './calendar.ts';
import type { Dataset } from './datasets.ts';
import { usedDatasets } from './marks.ts';
import type { Act, Scribe } from './scribe.ts';
import { fieldsIn } from './values.ts';

const readers = ['u-0191', 'u-0195', 'u-0160', 'u-0184', 'u-0133', 'u-0142', 'u-0210', 'u-0214', 'u-0233'];

/** One week of a dataset, counted by person and column; never with an address or a name. */
function count(scribe: Scribe, { urn }: Dataset, rank: number, week: number, draw: Draw): void {
  if (!scribe.has(urn, 'schemaMetadata')) return;
  const columns = fieldsIn(scribe.value(urn, 'schemaMetadata')).map(({ fieldPath }) => fieldPath);
  const most = Math.max(2, Math.round((90 / (rank + 3)) * draw.between(0.6, 1.6)));
  const least = 1 + draw.below(Math.max(1, most >> 1));
  const first = draw.below(readers.length);
  const [one, other] = [
    readers[first]!,
    readers[(first + 1 + draw.below(readers.length - 1)) % readers.length]!,
  ];
  scribe.upsert(program('usage-reader', isoDay(week)), urn, 'datasetUsageStatistics', {
    timestampMillis: week,
    eventGranularity: { unit: 'WEEK', multiple: 1 },
    uniqueUserCount: 2,
    totalSqlQueries: most + least,
    userCounts: [
      { user: person(one), count: most },
      { user: person(other), count: least },
    ],
    fieldCounts: [
      { fieldPath: columns[0], count: most + least },
      { fieldPath: columns[1 + draw.below(columns.length - 1)], count: most },
    ],
  });
}

/** Every Monday, what was read in the week before. */
export function usage(seed: number): readonly Act[] {
  const draw = drawFrom(seed);
  return mondays(utc('2025-04-14')).map((monday) => ({
    at: monday + 12 * hourMs,
    tell(scribe) {
      const week = monday - 7 * 24 * hourMs;
      for (const [rank, of] of usedDatasets.entries()) count(scribe, of, rank, week, draw);
    },
  }));
}
