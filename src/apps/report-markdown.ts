import { formatTime } from '../domain/moment.ts';
import type { KeptReport, RebuildReport } from '../streams/rebuild-report.ts';
import { count, type Row, signedPage } from './signed-page.ts';

/** The report of a rebuild for people. */
export const reportMarkdown = ({ report, note, signedBy }: KeptReport): string =>
  signedPage({
    title: `Rebuild of ${report.projection}`,
    claim: claimOf(report),
    rows: rowsOf(report),
    note,
    signedBy,
  });

const claimOf = ({ kind, replaced, index }: RebuildReport): string => {
  const proven =
    'Every document was folded from the archive alone and read back, byte for byte: both have one root.';
  if (kind === 'as-of') return `${proven} \`${index}\` stands beside what serves, at its cut.`;
  return `${proven} \`${index}\` serves${replaced === null ? '' : ` in the place of \`${replaced}\``}.`;
};

function rowsOf(report: RebuildReport): readonly Row[] {
  const { checkpoint, unsearchable } = report;
  const outcomes = Object.entries(report.outcomes).map(
    ([outcome, found]) => `${outcome} ${count(found ?? 0)}`,
  );
  const { origin, size, root, time } = checkpoint ?? { origin: '', size: 0, root: '', time: 0 };
  const covering = `\`${origin}\` size ${size}, root \`${root}\`, ${formatTime(time)}`;
  return [
    ['id', `\`${report.id}\``],
    ['log', `\`${report.log}\``],
    ['projection', `${report.projection} version ${report.version}`],
    ['fold', `\`${report.fold}\``],
    ['cut', `\`${report.cut}\`${report.followed > 0 ? `, folded at \`${report.folded}\`` : ''}`],
    ['root', `\`${report.root}\``],
    ['checkpoint over the cut', checkpoint === null ? 'none yet when it was made' : covering],
    ['events', `${count(report.events)} (${outcomes.join(', ') || 'none'})${since(report)}`],
    ['segments', count(report.segments)],
    ['documents', count(report.documents)],
    [
      'not searchable',
      `${count(report.unindexable)}${unsearchable.map(({ id, reason }) => ` \`${id}\`: ${reason}`).join(';')}`,
    ],
    ['started', formatTime(report.startedAt)],
    [
      'ended',
      `${formatTime(report.endedAt)}${report.resumed > 0 ? `, gone on with ${report.resumed} times` : ''}`,
    ],
    ['folding', `${count(report.foldMs)} ms${rate(report.eventsPerSecond, 'events')}`],
    ...report.lanes.map(
      ({ epoch, partition, events, eventsPerSecond }) =>
        [`lane ${epoch}-${partition}`, `${count(events)} events${rate(eventsPerSecond, 'events')}`] as const,
    ),
    ['proof', `${count(report.readBackMs)} ms`],
    [
      'all of it',
      `${count(report.foldMs + report.readBackMs)} ms${rate(report.documentsPerSecond, 'documents')}`,
    ],
    ...sharesOf(report),
  ];
}

const since = ({ followed }: RebuildReport): string =>
  followed > 0 ? `, ${count(followed)} of them since it was folded` : '';

/** Who did what, where several processes shared it. */
const sharesOf = ({ ledBy, members = [] }: RebuildReport): readonly Row[] =>
  members.map(({ by, units, records, documents, takenOver, left }) => [
    by === ledBy ? 'proved and swapped' : 'took part',
    `\`${by}\`: ${count(units)} units, ${count(records)} events, ${count(documents)} documents` +
      (takenOver > 0 ? `, ${count(takenOver)} of the units taken over` : '') +
      (left > 0 ? `, left ${count(left)} to others` : ''),
  ]);

const rate = (perSecond: number | null, what: string): string =>
  perSecond === null ? '' : ` (${count(perSecond)} ${what}/s)`;
