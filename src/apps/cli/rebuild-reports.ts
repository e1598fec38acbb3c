import type { RebuildReport } from '../../streams/rebuild-report.ts';
import { documentsText, tableText } from './print.ts';
import type { Session } from './session.ts';

/** All of them at the end; under `--output ndjson` each was written as it came. */
export async function writeReports(session: Session, reports: readonly RebuildReport[]): Promise<void> {
  if (session.output === 'json') await session.write(`${JSON.stringify({ items: reports })}\n`);
  if (session.output === 'table') await session.write(await reportTable(session, reports));
}

/** Says which reports nobody signed: whoever was not there has only somebody's word for those. */
export async function tellUnsigned(
  session: Session,
  reports: readonly RebuildReport[],
  signers: (id: string) => Promise<readonly string[]>,
): Promise<void> {
  for (const { id, projection } of reports)
    if ((await signers(id)).length === 0)
      session.note(`the report of ${projection} is not signed: name a key in ANNAL_SIGNING_KEY_FILE`);
}

async function reportTable(session: Session, reports: readonly RebuildReport[]): Promise<string> {
  const table = await tableText(
    session,
    ['PROJECTION', 'EVENTS', 'DOCUMENTS', 'FOLDED', 'READ BACK', 'CUT', 'ROOT (READ BACK = FOLDED)'],
    reports.map(({ projection, events, documents, unindexable, foldMs, readBackMs, cut, root }) => [
      projection,
      events.toLocaleString('en'),
      documentsText(documents, unindexable),
      `${foldMs} ms`,
      `${readBackMs} ms`,
      cut,
      root,
    ]),
  );
  const beside = reports.filter(({ kind }) => kind === 'as-of');
  return (
    table +
    beside.map(({ projection, index }) => `${projection}: ${index} stands beside what serves\n`).join('')
  );
}
