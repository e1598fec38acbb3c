import { formatTime } from '../domain/moment.ts';
import type { DrillReport, KeptDrill, RecoveredModel } from '../streams/drill-report.ts';

const count = (number: number): string => number.toLocaleString('en');

/** The report of a recovery or drill for people, with the note that proves it. */
export function drillMarkdown({ report, note, signedBy }: KeptDrill): string {
  const rows = rowsOf(report).map(([name, value]) => `| ${name} | ${value} |`);
  const signature =
    signedBy.length === 0
      ? 'Unsigned: the process that wrote it had no key (ANNAL_SIGNING_KEY_FILE).'
      : `Signed by ${signedBy.map((name) => `\`${name}\``).join(', ')}, as the note says. Check it with the open key that you keep.`;
  return [
    `# ${report.kind === 'drill' ? 'Drill' : 'Recovery'} of ${report.name}: ${report.result}`,
    '',
    claimOf(report),
    '',
    '| what | value |',
    '| --- | --- |',
    ...rows,
    '',
    'Not brought back by any archive:',
    '',
    ...report.notRecovered.map(({ what, why }) => `- ${what}: ${why}`),
    '',
    signature,
    '',
    '```text',
    note.trimEnd(),
    '```',
    '',
  ].join('\n');
}

function claimOf({ result, kind, fault }: DrillReport): string {
  if (result === 'failed') return `It did not come to an end: ${fault?.message ?? 'unknown'}.`;
  const proven =
    'Every document was folded from the archive alone and read back, byte for byte: both have one root.';
  if (kind === 'recovery') return proven;
  return result === 'proven'
    ? `${proven} What serves has the same root at the same cut, where it is compared.`
    : `${proven} **What serves has another root at the same cut.**`;
}

const rowsOf = (report: DrillReport): readonly (readonly [string, string])[] => [
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
  ...report.models.map((model): readonly [string, string] => [
    `${model.projection} version ${model.version}`,
    modelText(model),
  ]),
];

function modelText({ events, documents, cut, root, tookMs, live }: RecoveredModel): string {
  const back = `${count(events)} events, ${count(documents)} documents at \`${cut}\` in ${count(tookMs)} ms, root \`${root}\``;
  if (live === null) return `${back}; not compared with a live one`;
  const same = live.root === root ? 'the same' : `**another root, \`${live.root}\`**`;
  return `${back}; \`${live.index}\`, which serves, has ${same}`;
}
