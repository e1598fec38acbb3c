import type { TurnPlan, TurnReport, TurnRequest } from '../epoch-turn.ts';
import { askJson, type Call } from './call.ts';
import { confirm } from './confirm.ts';
import { connect, connectServer } from './connect.ts';
import { showTurnPlan, turnQuestion, turnRequestOf, writeReport } from './epoch-plan.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Failure, type Problem } from './failure.ts';
import { isSet, type Options, type Run, type Session } from './session.ts';

interface ToldTurn {
  readonly state: 'running' | 'done' | 'failed';
  readonly phase: string | null;
  readonly report: TurnReport | null;
  readonly fault: Problem | null;
  readonly link: string;
}

/** Plan, question, work, report. A log that is lost cannot be opened: where nobody serves, this process does without. */
const turn =
  (action: TurnRequest['action']): Run =>
  async (session, _args, options) => {
    const request = turnRequestOf(action, options);
    if (request.lost === true && (await connectServer(session)) === undefined) {
      const { turnLostHere } = await import('./epoch-lost.ts');
      return turnLostHere(session, request, options);
    }
    await using connection = await connect(session, { settled: false });
    return await turnAt(session, connection.call, request, options);
  };

export const closeEpoch: Run = turn('close');
export const openEpoch: Run = turn('open');

async function turnAt(
  session: Session,
  call: Call,
  request: TurnRequest,
  options: Options,
): Promise<ExitCode> {
  const asked = (more: object) => ({
    body: JSON.stringify({ ...request, ...more }),
    signal: session.io.signal,
  });
  const { plan } = await askJson<{ plan: TurnPlan }>(call, 'POST', '/v1/epochs', asked({ plan: true }));
  const planOnly = isSet(options, 'plan');
  await showTurnPlan(session, plan, planOnly);
  if (planOnly) return exitCodes.ok;
  if (!plan.done) await confirm(session, turnQuestion(plan), isSet(options, 'yes'));
  // What was shown is what is done: an epoch that somebody opened meanwhile is not ended as well.
  const sure = asked({ after: plan.epoch, ...(plan.opens && { partitions: plan.opens.partitions }) });
  const { operation } = await askJson<{ operation: ToldTurn }>(call, 'POST', '/v1/epochs', sure);
  await writeReport(session, await followed(session, call, operation));
  return exitCodes.ok;
}

const phases: Readonly<Record<string, string>> = {
  read: 'reading the archive',
  drain: 'waiting for what is under way',
  archive: 'archiving to the end',
  seal: 'sealing tails',
  open: 'opening the next epoch',
};

/** Once interrupted, what runs at a server goes on there. */
async function followed(session: Session, call: Call, begun: ToldTurn): Promise<TurnReport> {
  let told = begun;
  let shown: string | null = null;
  try {
    while (told.state === 'running') {
      const query = { wait: '1s' };
      told = await askJson<ToldTurn>(call, 'GET', begun.link, { query, signal: session.io.signal });
      if (told.phase !== null && told.phase !== shown) session.note(phases[told.phase] ?? told.phase);
      shown = told.phase;
    }
  } catch (error) {
    if (session.io.signal.aborted) session.note(`left alone; how it goes on: ${begun.link}`);
    throw error;
  }
  if (told.report === null)
    throw new Failure(told.fault ?? { code: 'INTERNAL', detail: 'it failed without saying why' });
  return told.report;
}
