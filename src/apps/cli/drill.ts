import { machineClock } from '../../composition/system.ts';
import { isFault } from '../../domain/fault.ts';
import { projections } from '../../projections/registry.ts';
import { type DrillReport, drillNote, type RecoveredModel } from '../../streams/drill-report.ts';
import { again } from '../again.ts';
import { readConfig } from '../config.ts';
import { drill, type LiveModel } from '../drill.ts';
import { reportSigner } from '../report-signer.ts';
import type { Call } from './call.ts';
import { connect } from './connect.ts';
import { keepReported } from './drill-keep.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Failure, problemOf, problemText, usage } from './failure.ts';
import { operate, phases, ratesText, timeText } from './operations.ts';
import { counted, tableText } from './print.ts';
import { openProgress } from './progress.ts';
import { type Options, type Run, type Session, textOf } from './session.ts';

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const everyMaxMs = 366 * unitMs.d;

/** A recovery beside what runs: once, or again and again until it is stopped. 0 proven, 6 differs, 1 failed. */
export const run: Run = async (session, _args, options) => {
  const everyMs = everyIn(options);
  if (everyMs === undefined) return drillOnce(session);
  return again(machineClock, everyMs, session.io.signal, async () => {
    try {
      await drillOnce(session);
    } catch (error) {
      // One that could not begin is told; the next one may.
      if (session.io.signal.aborted) throw error;
      if (error instanceof Failure) session.note(problemText(error.problem));
      else if (isFault(error)) session.note(problemText(problemOf(error)));
      else throw error;
    }
  });
};

function everyIn(options: Options): number | undefined {
  const text = textOf(options, 'every');
  if (text === undefined) return undefined;
  const [, count = '', unit = ''] = /^([1-9][0-9]{0,4})([mhd])$/.exec(text) ?? [];
  const everyMs = Number(count) * unitMs[unit as keyof typeof unitMs];
  if (count === '' || everyMs > everyMaxMs)
    throw usage(`--every ${text}`, 'Say 30m, 24h or 7d; a year at most.');
  return everyMs;
}

const exitOf: Readonly<Record<DrillReport['result'], ExitCode>> = {
  proven: exitCodes.ok,
  differs: exitCodes.differs,
  failed: exitCodes.failed,
};

async function drillOnce(session: Session): Promise<ExitCode> {
  const config = readConfig(session.io.env, { data: session.data });
  await using connection = await connect(session);
  const { live, uncompared } = await liveModels(session, connection.call);
  const drilled = await shown(session, (onProgress) =>
    drill({ config, live, onProgress, signal: session.io.signal }),
  );
  // Nothing is proven of what serves where it could not be read.
  const report: DrillReport =
    uncompared === null || drilled.result !== 'proven'
      ? drilled
      : { ...drilled, result: 'failed', fault: uncompared };
  const kept = drillNote(report, reportSigner(config));
  await keepReported(connection.call, kept, session.io.signal);
  if (session.output === 'table') await session.write(await drillText(session, report));
  else await session.write(`${JSON.stringify(report)}\n`);
  if (kept.signedBy.length === 0)
    session.note('the report is not signed: name a key in ANNAL_SIGNING_KEY_FILE');
  if (report.fault !== null) session.note(`annal: ${report.fault.message}`);
  if (report.result === 'differs')
    session.note(
      'annal: what serves is not what the archive brings back\n  → `annal verify NAME` names what differs',
    );
  return exitOf[report.result];
}

/**
 * Roots of what serves, each at a cut of its own: from comparisons of the live models, which say so. `uncompared`: why one could
 * not be read. Throws `REBUILD_RUNNING`, for what is being rebuilt or verified can be drilled later.
 */
async function liveModels(
  session: Session,
  call: Call,
): Promise<{ readonly live: ReadonlyMap<string, LiveModel>; readonly uncompared: DrillReport['fault'] }> {
  const live = new Map<string, LiveModel>();
  let uncompared: DrillReport['fault'] = null;
  for (const { definition } of projections) {
    const { projection } = definition;
    try {
      const { verified } = await operate(session, call, '/v1/verifications', { projection });
      if (verified === null) continue;
      const { index, cut, foundRoot, search } = verified;
      live.set(projection, { cut, held: { index, root: foundRoot, unsearchable: search.unfound } });
    } catch (error) {
      if (!(error instanceof Failure) || error.problem.code === 'REBUILD_RUNNING') throw error;
      const { code, detail } = error.problem;
      // Where nothing serves there is nothing to compare with.
      if (code === 'MODEL_UNAVAILABLE') continue;
      uncompared = { code, message: `${code}: ${projection} could not be compared: ${detail}` };
      session.note(problemText(error.problem));
    }
  }
  return { live, uncompared };
}

async function shown(
  session: Session,
  work: (onProgress: Parameters<typeof drill>[0]['onProgress']) => Promise<DrillReport>,
): Promise<DrillReport> {
  await using progress = await openProgress(session, true);
  return await work((projection, told) =>
    progress.show(`${projection}: ${phases[told.phase]}`, told.done, told.total, ratesText(told)),
  );
}

function servingText({ live, root }: RecoveredModel): string {
  if (live === null) return 'not compared';
  if (live.root !== root) return `DIFFERS: ${live.root}`;
  return live.unsearchable === 0
    ? 'the same'
    : `DIFFERS: ${counted(live.unsearchable, 'document')} not found`;
}

async function drillText(session: Session, report: DrillReport): Promise<string> {
  const { result, models, tookMs, id } = report;
  const table = await tableText(
    session,
    ['PROJECTION', 'EVENTS', 'DOCUMENTS', 'TOOK', 'CUT', 'ROOT', 'WHAT SERVES'],
    models.map((model) => {
      const { projection, events, documents, tookMs: took, cut, root } = model;
      const counts = [events.toLocaleString('en'), documents.toLocaleString('en'), timeText(took)];
      return [projection, ...counts, cut, root, servingText(model)];
    }),
  );
  return `${table}${result}: ${counted(models.length, 'read model')} brought back from the archive in ${timeText(tookMs)}, report ${id}\n`;
}
