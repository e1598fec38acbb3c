import { formatTime } from '../domain/moment.ts';
import type { DrillReport, KeptDrill, RecoveredModel } from '../streams/drill-report.ts';
import { count, type Row, signedPage } from './signed-page.ts';

/** The report of a recovery or drill for people. */
export const drillMarkdown = ({ report, note, signedBy }: KeptDrill): string =>
  signedPage({
    title: `${report.kind === 'drill' ? 'Drill' : 'Recovery'} of ${report.name}: ${report.result}`,
    claim: claimOf(report),
    rows: rowsOf(report),
    below: [
      'Not brought back by any archive:',
      '',
      ...report.notRecovered.map(({ what, why }) => `- ${what}: ${why}`),
      '',
    ],
    note,
    signedBy,
  });

function claimOf({ result, kind, fault }: DrillReport): string {
  if (result === 'failed') return `It did not come to an end: ${fault?.message ?? 'unknown'}.`;
  const proven =
    'Every document was folded from the archive alone and read back, byte for byte: both have one root.';
  if (kind === 'recovery') return proven;
  return result === 'proven'
    ? `${proven} What serves has the same root at the same cut and is found, where it is compared.`
    : `${proven} **What serves has another root at the same cut, or is not all found.**`;
}

const rowsOf = (report: DrillReport): readonly Row[] => [
  ['id', `\`${report.id}\``],
  ['log', `\`${report.log}\``],
  ['from', `\`${report.archive}\``],
  ['into', `\`${report.into}\``],
  ['started', formatTime(report.startedAt)],
  ['ended', formatTime(report.endedAt)],
  ['recovery took', `${count(report.tookMs)} ms`],
  [
    'checkpoint over the cuts',
    report.checkpoint === null
      ? 'none yet when it was made'
      : `\`${report.checkpoint.origin}\` size ${report.checkpoint.size}, root \`${report.checkpoint.root}\``,
  ],
  ...report.models.map((model): Row => [`${model.projection} version ${model.version}`, modelText(model)]),
];

function modelText({ events, documents, unindexable, cut, root, tookMs, live }: RecoveredModel): string {
  const hidden = unindexable === 0 ? '' : `, **${count(unindexable)} of them found by no search**,`;
  const back = `${count(events)} events, ${count(documents)} documents${hidden} at \`${cut}\` in ${count(tookMs)} ms, root \`${root}\``;
  if (live === null) return `${back}; not compared with a live one`;
  const { unsearchable } = live;
  const lost = unsearchable === 0 ? '' : `, but **no search finds ${count(unsearchable)} of its documents**`;
  const same = live.root === root ? `the same${lost}` : `**another root, \`${live.root}\`**${lost}`;
  return `${back}; \`${live.index}\`, which serves, has ${same}`;
}
