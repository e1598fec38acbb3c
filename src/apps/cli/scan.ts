import { readConfig } from '../config.ts';
import { treeAt } from '../tree-at.ts';
import type { Call } from './call.ts';
import { connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { counted, tableText, visible } from './print.ts';
import { openProgress } from './progress.ts';
import { openResults, type Results } from './results.ts';
import type { Scanned } from './scan-into.ts';
import { sendEvents } from './send-events.ts';
import { isSet, type Options, type Run, type Session, textOf } from './session.ts';

const problemsShownMax = 20;

/** Publishes what a folder's tables are now. Ends with 1 where a part could not be read, or deletions were held. */
export const run: Run = async (session, [dir = ''], options) => {
  const dry = isSet(options, 'dryRun');
  await using connection = await connect(session, { make: !dry });
  const scanned = await plan(session, connection.call, dir, options);
  tell(session, scanned);
  if (scanned.found.entities.length === 0 && scanned.plan.changes.length === 0) throw nothingIn(dir);
  const code = dry ? await showPlan(session, scanned) : await publish(session, connection.call, scanned);
  return code === exitCodes.ok ? judged(session, scanned) : code;
};

async function plan(session: Session, call: Call, dir: string, options: Options): Promise<Scanned> {
  const { scanAndPlan } = await import('./scan-into.ts');
  return scanAndPlan(call, {
    dir,
    tree: () => treeAt(readConfig(session.io.env, { data: session.data }), dir),
    source: textOf(options, 'source'),
    allowDeletions: isSet(options, 'allowDeletions'),
    signal: session.io.signal,
  });
}

const nothingIn = (dir: string): Failure =>
  new Failure({
    code: 'FILE_EMPTY',
    detail: `no table was found in ${visible(dir)}: no Delta table, no Parquet, Avro, CSV, JSON or NDJSON file`,
    doThis: 'Name a folder with such files.',
  });

function tell(session: Session, { source, found, plan }: Scanned): void {
  for (const { path, code, reason } of found.refused.slice(0, problemsShownMax))
    session.note(`not read: ${visible(path)}: ${code}: ${visible(reason)}`);
  if (found.refused.length > problemsShownMax)
    session.note(`… and ${found.refused.length - problemsShownMax} more that could not be read`);
  for (const urn of plan.contested.slice(0, problemsShownMax))
    session.note(`left alone: ${visible(urn)} belongs to the scan of another source`);
  session.note(summary({ source, found, plan }));
}

/** What a scan found and would change, in a line. */
export function summary({ source, found, plan }: Scanned): string {
  const tables = found.entities.filter(({ urn }) => urn.startsWith('urn:li:dataset:')).length;
  const unread = found.refused.length === 0 ? '' : `, ${counted(found.refused.length, 'file')} not read`;
  const deleted = plan.deleted === 0 ? '' : `, ${counted(plan.deleted, 'deletion')} among them`;
  return (
    `Scanned ${visible(source)}: ${counted(tables, 'table')}${unread}; ` +
    `${counted(plan.changes.length, 'change')}${deleted}, ${counted(plan.unchanged, 'entity', 'entities')} as they were`
  );
}

async function showPlan(session: Session, { source, plan }: Scanned): Promise<ExitCode> {
  const { changes, unchanged, deleted, deletionsHeld, contested } = plan;
  if (session.output === 'json')
    await session.write(
      `${JSON.stringify({ source, changes, unchanged, deleted, deletionsHeld: deletionsHeld ?? null, contested })}\n`,
    );
  else if (session.output === 'ndjson')
    for (const change of changes) await session.write(`${JSON.stringify(change)}\n`);
  else if (changes.length > 0)
    await session.write(
      await tableText(
        session,
        ['CHANGE', 'ASPECT', 'URN'],
        changes.map(({ change, aspect, urn }) => [change, aspect ?? '(whole entity)', urn]),
      ),
    );
  return exitCodes.ok;
}

async function publish(session: Session, call: Call, scanned: Scanned): Promise<ExitCode> {
  const results = await openResults(session, 'change');
  const positions = await sendChanges(session, call, scanned, results);
  await results.end();
  const { shows } = await import('./scan-into.ts');
  if (positions.length > 0 && !(await shows(call, positions, session.io.signal)))
    session.note('published, but not in the search yet: `annal projections` shows how far it is');
  return results.counts.all === results.counts.appended ? exitCodes.ok : exitCodes.failed;
}

async function sendChanges(
  session: Session,
  call: Call,
  { plan }: Scanned,
  results: Results,
): Promise<readonly string[]> {
  const { changesToSend } = await import('./scan-into.ts');
  await using progress = await openProgress(session);
  const positions: string[] = [];
  try {
    for await (const sent of sendEvents(call, changesToSend(plan.changes), session.io.signal)) {
      await results.take(sent);
      positions.push(...sent.flatMap(({ position }) => position ?? []));
      progress.show('publishing', results.counts.all, plan.changes.length);
    }
  } catch (error) {
    await results.end(error);
    throw error;
  }
  return positions;
}

function judged(session: Session, { found, plan }: Scanned): ExitCode {
  const { deletionsHeld: held } = plan;
  if (held !== undefined) {
    const why =
      held.reason === 'read-error' ? 'not everything could be read' : 'they are more than 40 % of it';
    session.io.stderr.write(
      `annal: SCAN_DELETIONS_HELD: ${held.count} of ${held.owned} tables and folders are gone and were not deleted: ${why}\n` +
        '  → Mend what could not be read and scan again, or confirm with `--allow-deletions`.\n',
    );
    return exitCodes.failed;
  }
  const unread = found.refused.some(({ code }) => code !== 'FILE_EMPTY');
  return unread || plan.contested.length > 0 ? exitCodes.failed : exitCodes.ok;
}
