import { formatCut } from '../../domain/cut.ts';
import type { RestoreReport } from '../../streams/restore.ts';
import type { RestorePlan } from '../../streams/restore-plan.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { counted, painted, tableText } from './print.ts';
import { missingCounts } from './restore-plan.ts';
import type { Session } from './session.ts';

/** Writes what a restore did; 6 where the topic is not what the archive holds, with the reason. */
export async function writeReport(
  session: Session,
  plan: RestorePlan,
  report: RestoreReport,
): Promise<ExitCode> {
  const { equal, topic, lanes, records, published, omitted, omittedFirst } = report;
  const { holes, gaps } = missingCounts(plan.missing);
  const told = {
    ...report,
    asked: plan.asked,
    until: formatCut(plan.until),
    holes,
    gaps,
    missing: plan.missing,
  };
  if (session.output === 'json') await session.write(`${JSON.stringify(told)}\n`);
  else if (session.output === 'ndjson')
    for (const lane of lanes) await session.write(`${JSON.stringify(lane)}\n`);
  else {
    const verdict = painted(session, equal ? 'green' : 'red', equal ? 'equal' : 'DIFFERS');
    const absent = `${counted(holes.offsets, 'offset')} in holes, ${counted(gaps.offsets, 'offset')} in gaps`;
    await session.write(
      `${topic}: ${verdict}, ${counted(records, 'record')} read back, ${published.toLocaleString('en')} of them published now; ` +
        `${absent}\n\n${await lanesText(session, report)}`,
    );
  }
  if (equal) return exitCodes.ok;
  for (const { position, bytes } of omittedFirst)
    session.note(
      `annal: ${position} has ${counted(bytes, 'byte')}, more than an append takes: not published`,
    );
  const differing = lanes.filter((lane) => !lane.equal);
  session.note(
    `annal: ${counted(differing.length, 'partition')} differ, ${counted(omitted, 'record')} too large\n` +
      '  → tell readers of this topic, and look for what else writes to it or removes from it',
  );
  return exitCodes.differs;
}

const lanesText = (session: Session, { lanes }: RestoreReport): Promise<string> =>
  tableText(
    session,
    ['PARTITION', 'ARCHIVE', 'TOPIC', 'DIFFERS AT', 'DIGEST (ARCHIVE, TOPIC)'],
    lanes.map(({ partition, archive, topic, equal, differsAt }) => [
      String(partition),
      archive.records.toLocaleString('en'),
      topic.records.toLocaleString('en'),
      differsAt ?? '-',
      equal ? `${archive.digest} both` : `${archive.digest} ${topic.digest}`,
    ]),
  );
