import type { RepairReport } from '../../streams/repair-model.ts';
import type { VerifyReport } from '../../streams/verify.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { operate } from './operations.ts';
import { counted, tableText } from './print.ts';
import { isSet, type Run, type Session } from './session.ts';

/**
 * Compares a read model with the fold of the archive. Ends with 6 where they differ, each difference named; repaired and
 * then equal is 0.
 */
export const run: Run = async (session, [name = ''], options) => {
  await using connection = await connect(session);
  const repair = isSet(options, 'repair');
  const { verified } = await operate(session, connection.call, '/v1/verifications', {
    projection: name,
    repair,
  });
  if (verified === null) throw new Failure({ code: 'INTERNAL', detail: 'the verification gave no report' });
  if (session.output === 'json') await session.write(`${JSON.stringify(verified)}\n`);
  else if (session.output === 'ndjson')
    for (const difference of verified.differences) await session.write(`${JSON.stringify(difference)}\n`);
  else await session.write(await reportText(session, verified));
  if (verified.repair !== null) session.note(repairText(name, verified.repair));
  if (verified.equal) return exitCodes.ok;
  const cure = repair ? '' : `, \`annal verify ${name} --repair\` writes anew what differs`;
  session.note(
    `annal: ${name} differs from the archive in ${counted(verified.differing, 'place')}\n  → \`annal rebuild ${name}\` builds it again${cure}`,
  );
  return exitCodes.differs;
};

const repairText = (name: string, { written, removed, differing }: RepairReport): string =>
  `annal: ${name} differed in ${counted(differing, 'place')}: ${counted(written, 'document')} written anew, ${removed} removed`;

async function reportText(session: Session, report: VerifyReport): Promise<string> {
  const { projection, equal, documents, events, cut, search, silent } = report;
  const head = [
    `${projection}: ${equal ? 'equal' : 'DIFFERENT'}, ${counted(documents, 'document')} against the fold of ${counted(events, 'event')} at ${cut}`,
    `root of the fold   ${report.expectedRoot}`,
    `root of the model  ${report.foundRoot}`,
    `found by search    ${counted(search.drawn, 'document')} by ${counted(search.probes, 'value')}`,
    ...(silent.length === 0 ? [] : [`not answered by    lanes ${silent.join(', ')}`]),
  ];
  const repaired = report.repair === null ? '' : await differenceTable(session, 'REPAIRED', report.repair);
  return `${head.join('\n')}\n${repaired}${await differenceTable(session, 'WHAT', report)}`;
}

async function differenceTable(
  session: Session,
  title: string,
  { differences, differing }: Pick<VerifyReport, 'differences' | 'differing'>,
): Promise<string> {
  if (differences.length === 0) return '';
  // An id says of which entity it is where it is the URN, or the URN after a tilde.
  const isTold = differences.every(({ id, urn }) => urn === null || id.endsWith(urn));
  const rows = differences.map((one) => [
    ...[one.what, one.id, ...(isTold ? [] : [one.urn ?? '-']), one.aspects.join(' ')],
    ...[String(one.expectedVersion ?? '-'), String(one.foundVersion ?? '-')],
    one.field ?? one.pointers.join(' '),
  ]);
  const head = [title, 'DOCUMENT', ...(isTold ? [] : ['ENTITY']), 'ASPECT', 'EXPECTED', 'FOUND', 'WHERE'];
  const table = await tableText(session, head, rows);
  const more = differing > differences.length ? `… and ${differing - differences.length} more\n` : '';
  return `\n${table}${more}`;
}
