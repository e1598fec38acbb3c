import type { Ports } from '../../composition/compose.ts';
import { Fault } from '../../domain/fault.ts';
import { projections } from '../../projections/registry.ts';
import { whyLost } from '../../streams/lost-log.ts';
import type { RebuildReport } from '../../streams/rebuild-report.ts';
import { readConfig } from '../config.ts';
import { turnEpoch } from '../epoch-turn.ts';
import { finishAdoption } from '../sample.ts';
import { confirm } from './confirm.ts';
import { lostWorld } from './epoch-lost.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { openHere } from './in-process.ts';
import { operate } from './operations.ts';
import { type Plan, planOf, showPlan, writeBuilt } from './recover-plan.ts';
import { reportRecovery } from './recover-report.ts';
import { isSet, type Options, type Session } from './session.ts';

/**
 * Brings a log back whose archive stands where it is configured and whose own records are lost: opens the next epoch after the
 * archive's end and builds every read model again. Refused with `LOG_PRESENT` while the log holds all that was archived.
 */
export async function recoverInPlace(session: Session, options: Options): Promise<ExitCode> {
  const config = readConfig(session.io.env, { data: session.data });
  const found: { readonly plan: Plan; readonly startedAt: number }[] = [];
  const prepare = async (ports: Ports): Promise<void> => {
    await finishAdoption(ports, config);
    const { place } = ports.archive;
    const { plan, last } = await planOf(ports.archive, place, 'where it is');
    if (last.name !== config.name)
      throw new Fault('TOPIC_MISMATCH', { archive: place, holds: last.name, configured: config.name });
    const why = await whyLost(ports.logHost, ports.archive, last, session.io.signal);
    if (why === undefined) throw new Fault('LOG_PRESENT', { topic: last.topic });
    await showPlan(session, plan);
    session.note(`${why}; stop every process of this log first`);
    await confirm(session, `Go on in epoch ${plan.opens}?`, isSet(options, 'yes'));
    const startedAt = Date.now();
    const { partitions, epoch: after } = last;
    const request = { action: 'open', lost: true, after, partitions } as const;
    await turnEpoch(lostWorld(ports, config), request, session.io.signal);
    found.push({ plan, startedAt });
  };
  const built: RebuildReport[] = [];
  const roles = { archiver: false, projector: false, intake: false };
  await using here = await openHere(session, config, { settled: false, roles, prepare });
  for (const { definition } of projections) {
    // A recovery ends with what there is: what no search finds is counted in its report.
    const { rebuilt } = await operate(session, here.call, '/v1/rebuilds', {
      projection: definition.projection,
      acceptUnindexable: Number.MAX_SAFE_INTEGER,
      acceptEmpty: true,
    });
    if (rebuilt !== null) built.push(rebuilt);
  }
  const { plan, startedAt } = found[0]!;
  await writeBuilt(session, plan, built);
  await reportRecovery(session, config, { plan, built, startedAt }, here.call);
  session.note(`recovered: start as before, the log goes on in epoch ${plan.opens}`);
  return exitCodes.ok;
}
