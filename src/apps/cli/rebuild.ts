import type { RebuildReport } from '../../streams/rebuild-report.ts';
import { ask, askJson, type Call } from './call.ts';
import { confirm } from './confirm.ts';
import { type Connection, connect } from './connect.ts';
import { exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { itemLines } from './item-lines.ts';
import { operate, type ToldOperation } from './operations.ts';
import { type Plan, planText, shellLine } from './rebuild-plan.ts';
import { tellUnsigned, writeReports } from './rebuild-reports.ts';
import { isSet, type Options, type Run, type Session, textOf } from './session.ts';

/** Plan, question, work, report: one projection after the other. */
export const run: Run = async (session, [name], options) => {
  const { report } = options;
  const isReport = report !== undefined;
  const all = isSet(options, 'all');
  if (isReport) {
    const { showReport } = await import('./rebuild-report.ts');
    return showReport(session, name, typeof report === 'string' ? report : undefined);
  }
  if (all === (name !== undefined))
    throw usage('name one projection, or say --all', '`annal projections` lists them.');
  if (isSet(options, 'cancel')) {
    const { cancelLeft } = await import('./rebuild-cancel.ts');
    return cancelLeft(session, name);
  }
  const planOnly = isSet(options, 'plan');
  const asked = askedIn(options);
  if (options.share !== undefined || options.run !== undefined) {
    const { rebuildTogether } = await import('./rebuild-share.ts');
    return rebuildTogether(session, name, asked, options);
  }
  await using connection = await connect(session);
  const plans = await showPlan(session, connection.call, { projection: name ?? 'all', ...asked }, planOnly);
  if (planOnly) return exitCodes.ok;
  await confirm(
    session,
    `Rebuild ${plans.map(({ projection }) => projection).join(', ')}?`,
    isSet(options, 'yes'),
  );
  const reports: RebuildReport[] = [];
  try {
    for (const plan of plans) {
      const { rebuilt } = await operate(
        session,
        connection.call,
        '/v1/rebuilds',
        // What the plan showed is what is built: a time that is told as `2h` ago moves on.
        { ...asked, projection: plan.projection, ...(plan.kind === 'as-of' ? { asOf: plan.until } : {}) },
        stopped(session, connection, plan),
      );
      if (rebuilt === null) continue;
      reports.push(rebuilt);
      if (session.output === 'ndjson') await session.write(`${JSON.stringify(rebuilt)}\n`);
    }
  } catch (error) {
    // What was swapped by then serves, whatever became of the others.
    if (reports.length > 0) await writeReports(session, reports);
    throw error;
  }
  await writeReports(session, reports);
  const { signal } = session.io;
  await tellUnsigned(session, reports, async (id) => {
    type Kept = { readonly signedBy: readonly string[] };
    return (await askJson<Kept>(connection.call, 'GET', `/v1/rebuilds/${id}/report`, { signal })).signedBy;
  });
  return exitCodes.ok;
};

interface Asked {
  readonly acceptUnindexable: number;
  readonly workers: number;
  readonly asOf?: string;
}

function askedIn(options: Options): Asked {
  const accepted = textOf(options, 'acceptUnindexable') ?? '0';
  if (!/^[0-9]{1,9}$/.test(accepted)) throw usage(`--accept-unindexable ${accepted}`, 'Give a whole number.');
  const workers = textOf(options, 'workers') ?? '1';
  if (!/^[1-9][0-9]?$/.test(workers) || Number(workers) > 64)
    throw usage(`--workers ${workers}`, 'Give a whole number from 1 to 64.');
  const asOf = textOf(options, 'asOf');
  return {
    acceptUnindexable: Number(accepted),
    workers: Number(workers),
    ...(asOf === undefined ? {} : { asOf }),
  };
}

/** What somebody is told who stops it: the command that goes on with it, and the one that clears it away. */
const stopped =
  (session: Session, { here }: Connection, plan: Plan) =>
  ({ link, projection }: ToldOperation): string => {
    const line = (...words: string[]): string => shellLine(session, ['rebuild', projection, ...words]);
    const asOf = plan.kind === 'as-of' ? ['--as-of', plan.until] : [];
    const goesOn = here
      ? `stopped; what is done is kept, and this goes on with it: ${line(...asOf, '--yes')}`
      : `left alone, the server goes on with it: ${link}`;
    return `${goesOn}\n  to clear it away: ${line('--cancel')}`;
  };

/** The plan goes to stderr, unless it is all that was asked for. */
async function showPlan(
  session: Session,
  call: Call,
  { projection, asOf }: Partial<Asked> & { readonly projection: string },
  planOnly: boolean,
): Promise<readonly Plan[]> {
  const { text } = await ask(call, 'POST', '/v1/rebuilds', {
    body: JSON.stringify({ projection, plan: true, ...(asOf === undefined ? {} : { asOf }) }),
    signal: session.io.signal,
  });
  const { plans } = JSON.parse(text) as { plans: readonly Plan[] };
  if (planOnly && session.output === 'json') await session.write(`${text}\n`);
  else if (planOnly && session.output === 'ndjson')
    for (const line of itemLines(text, 'plans')) await session.write(line);
  else if (planOnly) await session.write(await planText(session, plans));
  else session.note((await planText(session, plans)).trimEnd());
  return plans;
}
