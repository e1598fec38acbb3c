import { takeOwnerLock } from '../../adapters/file-log/owner-lock.ts';
import { openPorts, type Ports } from '../../composition/compose.ts';
import { Fault } from '../../domain/fault.ts';
import { readEpochs } from '../../streams/epochs.ts';
import { type AnnalConfig, readConfig } from '../config.ts';
import { planTurn, type TurnRequest, type TurnWorld, turnEpoch } from '../epoch-turn.ts';
import { placesOf, portSettings } from '../open-annal.ts';
import { finishAdoption } from '../sample.ts';
import { confirm } from './confirm.ts';
import { showTurnPlan, turnQuestion, writeReport } from './epoch-plan.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { isSet, type Options, type Session } from './session.ts';

/** Opens the epoch after one whose log is lost, with nothing but the archive. */
export async function turnLostHere(
  session: Session,
  request: TurnRequest,
  options: Options,
): Promise<ExitCode> {
  const config = readConfig(session.io.env, { data: session.data });
  const settings = portSettings(config);
  await using _lock = placesOf(settings).some(({ embedded }) => embedded)
    ? takeOwnerLock(config.dataDir)
    : undefined;
  await using ports = await openPorts(settings, () => undefined);
  await finishAdoption(ports, config);
  await refuseAnotherName(ports, config);
  const { signal } = session.io;
  const world = lostWorld(ports, config);
  const plan = await planTurn(world, request, signal);
  const planOnly = isSet(options, 'plan');
  await showTurnPlan(session, plan, planOnly);
  if (planOnly) return exitCodes.ok;
  if (!plan.done) await confirm(session, turnQuestion(plan), isSet(options, 'yes'));
  await writeReport(session, await turnEpoch(world, { ...request, after: plan.epoch }, signal));
  session.note(
    'a read model that has more than the archive had halts: `annal rebuild --all` builds it again',
  );
  return exitCodes.ok;
}

async function refuseAnotherName({ archive }: Ports, { name }: AnnalConfig): Promise<void> {
  const holds = (await readEpochs(archive.truth)).at(-1)?.name ?? name;
  if (holds !== name) throw new Fault('TOPIC_MISMATCH', { archive: archive.place, holds, configured: name });
}

/** The world of a turn that has no log to work with. */
export const lostWorld = (ports: Ports, config: AnnalConfig): TurnWorld => ({
  ports,
  flushMs: config.archiveLimits.flushMs,
  working: () => Promise.reject(new Fault('INTERNAL', { reason: 'a lost log is not worked on' })),
  onPhase: () => undefined,
});
