import type { VerifyReport } from '../../streams/verify.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { operate } from './operations.ts';
import { counted, tableText } from './print.ts';
import type { Run, Session } from './session.ts';

/** Compares a read model with the fold of the archive. Ends with 6 where they differ, each difference named. */
export const run: Run = async (session, [name = '']) => {
  await using connection = await connect(session);
  const { verified } = await operate(session, connection.call, '/v1/verifications', { projection: name });
  if (verified === null) throw new Failure({ code: 'INTERNAL', detail: 'the verification gave no report' });
  if (session.output === 'json') await session.write(`${JSON.stringify(verified)}\n`);
  else if (session.output === 'ndjson')
    for (const difference of verified.differences) await session.write(`${JSON.stringify(difference)}\n`);
  else await session.write(await reportText(session, verified));
  if (verified.equal) return exitCodes.ok;
  session.note(
    `annal: ${name} differs from the archive in ${counted(verified.differing, 'document')}\n  → \`annal rebuild ${name}\` builds it again`,
  );
  return exitCodes.differs;
};

async function reportText(session: Session, report: VerifyReport): Promise<string> {
  const { projection, equal, documents, events, cut, expectedRoot, foundRoot, differences, differing } =
    report;
  const head = [
    `${projection}: ${equal ? 'equal' : 'DIFFERENT'}, ${counted(documents, 'document')} against the fold of ${counted(events, 'event')} at ${cut}`,
    `root of the fold   ${expectedRoot}`,
    `root of the model  ${foundRoot}`,
  ];
  if (differences.length === 0) return `${head.join('\n')}\n`;
  const rows = differences.map(({ what, id, expectedVersion, foundVersion, pointers }) => [
    what,
    id,
    String(expectedVersion ?? '-'),
    String(foundVersion ?? '-'),
    pointers.join(' '),
  ]);
  const table = await tableText(session, ['WHAT', 'DOCUMENT', 'EXPECTED', 'FOUND', 'WHERE'], rows);
  const more = differing > differences.length ? `… and ${differing - differences.length} more\n` : '';
  return `${head.join('\n')}\n\n${table}${more}`;
}
