import { cells, nameOf } from './fates.ts';
import { isKnown } from './steps.ts';

/** What has to be seen besides fates: cases of docs/formats/archive.md, and what the world does. */
export const cases: readonly string[] = [
  'a writer yields',
  'a zombie flushes with an old ETag: refused',
  'a zombie trims with an old ETag: refused',
  'a zombie stores a tree with an old ETag: refused',
  'a zombie raises the newest checkpoint with an old ETag: refused',
  'a zombie signs an older size',
  'two sign the same size',
  'a late write to the tail, under an ETag that is still good',
  'a shorter segment has the name',
  'a longer segment has the name',
  'two seal the same tail',
  'two record the same hole',
  'two record the same gap',
  'records stand in tail and segments',
  'a hole is told',
  'a gap is told',
  'offsets are left out',
  'retention overruns the archive',
  'a reader loses records on the way',
  'a clock goes back',
  'a clock goes ahead',
  'a partition is taken away',
  'an archiver is told to stop',
  'the topic is made again',
  'a stranger writes a segment',
  'a lane stops: LOG_FORK',
  'a lane stops: ARCHIVE_FORK',
  'a cut is published',
  'a zombie decides a cut with an old ETag: refused',
  'a zombie stores the tree of cuts with an old ETag: refused',
  'two keep the same cuts',
  'the lease passes to another',
];

/** What was seen, and in how many runs. */
export type Seen = ReadonlyMap<string, number>;

export function addSeen(to: Map<string, number>, covered: Iterable<string>): void {
  for (const one of covered) to.set(one, (to.get(one) ?? 0) + 1);
}

/** What was never seen, and steps that nobody knows. */
export function coverageFaults(seen: Seen): string[] {
  const wanted = [...cells.map(nameOf), ...cases];
  const steps = [...seen.keys()].flatMap((one) =>
    one.startsWith('step ') ? [one.slice('step '.length)] : [],
  );
  return [
    ...wanted.filter((one) => !seen.has(one)).map((one) => `never seen: ${one}`),
    ...steps.filter((step) => !isKnown(step)).map((step) => `a step that is in no table: ${step}`),
  ];
}

const columns = [
  'crash before',
  'crash after',
  'pause before',
  'pause after',
  'request lost',
  'reply lost',
  'late',
] as const;
const wide = 24;

/** A row a step, a column a fate: in how many runs each was seen. */
export function coverageTable(seen: Seen): string {
  const steps = [...new Set(cells.map(({ step }) => step))];
  const count = (step: string, fate: (typeof columns)[number]): string => {
    const name = nameOf({ step, fate });
    return cells.some((cell) => nameOf(cell) === name) ? String(seen.get(name) ?? 0) : '';
  };
  const row = (first: string, rest: readonly string[]): string =>
    first.padEnd(wide) + rest.map((cell) => cell.padStart(14)).join('');
  return [
    row('step', columns),
    ...steps.map((step) =>
      row(
        step,
        columns.map((fate) => count(step, fate)),
      ),
    ),
    '',
    ...cases.map((one) => `${String(seen.get(one) ?? 0).padStart(6)}  ${one}`),
  ].join('\n');
}
