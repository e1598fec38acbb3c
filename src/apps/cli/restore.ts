import { type Fault, isFault } from '../../domain/fault.ts';
import { epochMax, partitionMax } from '../../domain/position.ts';
import { restore } from '../../streams/restore.ts';
import type { RestoreAsked } from '../../streams/restore-job.ts';
import {
  planRestore,
  type RestorePlan,
  type RestoreRequest,
  type RestoreWorld,
} from '../../streams/restore-plan.ts';
import { asOfIn } from '../asked-cut.ts';
import { readConfig } from '../config.ts';
import { lookRestoring, needBroker, openRestoring } from '../restoring.ts';
import { confirm } from './confirm.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure, problemOf, usage } from './failure.ts';
import { counted } from './print.ts';
import { openProgress } from './progress.ts';
import { shellLine } from './rebuild-plan.ts';
import { planTold, restorePlanText } from './restore-plan.ts';
import { writeReport } from './restore-report.ts';
import { isSet, type Options, type Run, type Session, textOf } from './session.ts';

/** Publishes the archive's history into a topic of its own and reads it back. Ends with 6 where both sides differ. */
export const run: Run = async (session, _args, options) => {
  const config = readConfig(session.io.env, { data: session.data });
  const request = requestIn(options);
  if (isSet(options, 'plan')) {
    await using world = await lookRestoring(config);
    await writePlan(session, await planned(world, request));
    return exitCodes.ok;
  }
  needBroker(config);
  await using opened = await openRestoring(config);
  const { archive: store, clock, logHost: host, registry } = opened.ports;
  const world = { store, clock, host, epochs: opened.epochs };
  const plan = await planned(world, request);
  session.note((await restorePlanText(session, plan)).trimEnd());
  await confirm(
    session,
    `Publish ${counted(plan.events, 'event')} into ${plan.topic}?`,
    isSet(options, 'yes'),
  );
  if (plan.resumes?.job.state === 'working')
    session.note('nobody said that the run before ended: what it sent is waited for, half a minute at most');
  try {
    await using progress = await openProgress(session);
    const { signal } = session.io;
    const report = await restore({ ...world, registry, signal, onProgress: progress.show }, plan);
    return await writeReport(session, plan, report);
  } catch (error) {
    if (session.io.signal.aborted || (isFault(error) && error.remedy === 'retry'))
      session.note(
        `stopped; what is there is kept, and this goes on with it: ${again(session, request.asked)}`,
      );
    throw advised(error);
  }
};

function requestIn(options: Options): RestoreRequest {
  const whole = (name: string, max: number): number | null => {
    const text = textOf(options, name);
    if (text === undefined) return null;
    if (!/^[1-9][0-9]{0,2}$/.test(text) || Number(text) > max)
      throw usage(`--${name} ${JSON.stringify(text)}`, `Give a whole number from 1 to ${max}.`);
    return Number(text);
  };
  const asOf = textOf(options, 'asOf') ?? null;
  return {
    asked: { epoch: whole('epoch', epochMax), partitions: whole('partitions', partitionMax + 1), asOf },
    asOf: asOfIn(asOf ?? undefined, Date.now()),
    anew: isSet(options, 'new'),
  };
}

/** The command that goes on with a run. */
function again(session: Session, { epoch, partitions, asOf }: RestoreAsked): string {
  const given = { epoch, partitions, 'as-of': asOf };
  const words = Object.entries(given).flatMap(([name, value]) =>
    value === null ? [] : [`--${name}`, String(value)],
  );
  return shellLine(session, ['restore', ...words, '--yes']);
}

async function planned(world: RestoreWorld, request: RestoreRequest): Promise<RestorePlan> {
  try {
    return await planRestore(world, request);
  } catch (error) {
    throw advised(error);
  }
}

/** Faults of topics speak of epochs; here is what to do about this one. */
function advised(error: unknown): unknown {
  if (!isFault(error)) return error;
  const { topic, partitions, found } = error.facts;
  const told = (doThis: string): Failure => new Failure({ ...problemOf(error as Fault), doThis });
  if (error.code === 'TOPIC_FORBIDDEN')
    return told(
      `Make ${topic} with ${partitions} partitions and without records or compaction, then run the same again.`,
    );
  if (error.code === 'TOPIC_MISMATCH' && found !== undefined)
    return told(`Say --partitions ${found}, or make that topic anew with ${partitions}.`);
  return error;
}

async function writePlan(session: Session, plan: RestorePlan): Promise<void> {
  if (session.output === 'table') await session.write(await restorePlanText(session, plan));
  else await session.write(`${JSON.stringify(planTold(plan))}\n`);
}
