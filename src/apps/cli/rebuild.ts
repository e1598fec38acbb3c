import type { RebuildReport } from '../../streams/rebuild-report.ts';
import { ask, type Call } from './call.ts';
import { confirm } from './confirm.ts';
import { connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { itemLines } from './item-lines.ts';
import { operate } from './operations.ts';
import { documentsText, tableText } from './print.ts';
import { isSet, type Run, type Session, textOf } from './session.ts';

interface Plan {
  readonly projection: string;
  readonly version: number;
  readonly until: string;
  readonly events: number;
  readonly segments: number;
  readonly replaces: string | null;
}

/** Plan, question, work, report: one projection after the other. */
export const run: Run = async (session, [name], options) => {
  const all = isSet(options, 'all');
  if (all === (name !== undefined))
    throw usage('name one projection, or say --all', '`annal projections` lists them.');
  const planOnly = isSet(options, 'plan');
  const acceptUnindexable = acceptedIn(textOf(options, 'acceptUnindexable') ?? '0');
  await using connection = await connect(session);
  const plans = await showPlan(session, connection.call, name ?? 'all', planOnly);
  if (planOnly) return exitCodes.ok;
  await confirm(
    session,
    `Rebuild ${plans.map(({ projection }) => projection).join(', ')}?`,
    isSet(options, 'yes'),
  );
  const reports: RebuildReport[] = [];
  for (const { projection } of plans) {
    const { rebuilt } = await operate(session, connection.call, '/v1/rebuilds', {
      projection,
      acceptUnindexable,
    });
    if (rebuilt === null) continue;
    reports.push(rebuilt);
    if (session.output === 'ndjson') await session.write(`${JSON.stringify(rebuilt)}\n`);
  }
  if (session.output === 'json') await session.write(`${JSON.stringify({ items: reports })}\n`);
  if (session.output === 'table') await session.write(await reportTable(session, reports));
  return exitCodes.ok;
};

function acceptedIn(given: string): number {
  if (!/^[0-9]{1,9}$/.test(given)) throw usage(`--accept-unindexable ${given}`, 'Give a whole number.');
  return Number(given);
}

/** The plan goes to stderr, unless it is all that was asked for. */
async function showPlan(
  session: Session,
  call: Call,
  projection: string,
  planOnly: boolean,
): Promise<readonly Plan[]> {
  const { text } = await ask(call, 'POST', '/v1/rebuilds', {
    body: JSON.stringify({ projection, plan: true }),
    signal: session.io.signal,
  });
  const { plans } = JSON.parse(text) as { plans: readonly Plan[] };
  if (planOnly && session.output === 'json') await session.write(`${text}\n`);
  else if (planOnly && session.output === 'ndjson')
    for (const line of itemLines(text, 'plans')) await session.write(line);
  else if (planOnly) await session.write(await planTable(session, plans));
  else session.note((await planTable(session, plans)).trimEnd());
  return plans;
}

const planTable = (session: Session, plans: readonly Plan[]): Promise<string> =>
  tableText(
    session,
    ['PROJECTION', 'VERSION', 'EVENTS', 'SEGMENTS', 'UNTIL', 'REPLACES'],
    plans.map(({ projection, version, events, segments, until, replaces }) => [
      projection,
      String(version),
      events.toLocaleString('en'),
      segments.toLocaleString('en'),
      until,
      replaces ?? '-',
    ]),
  );

const reportTable = (session: Session, reports: readonly RebuildReport[]): Promise<string> =>
  tableText(
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
