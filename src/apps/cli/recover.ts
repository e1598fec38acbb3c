import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { folderArchive } from '../../adapters/folder/archive-store.ts';
import { Fault } from '../../domain/fault.ts';
import { projections } from '../../projections/registry.ts';
import type { RebuildReport } from '../../streams/rebuild-report.ts';
import { type AnnalConfig, readConfig } from '../config.ts';
import { adopt } from '../sample.ts';
import { confirm } from './confirm.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Failure, usage } from './failure.ts';
import { openHere } from './in-process.ts';
import { openProgress } from './progress.ts';
import { type Plan, planOf, showPlan, writeBuilt } from './recover-plan.ts';
import { reportRecovery } from './recover-report.ts';
import { isSet, type Run, type Session } from './session.ts';

/** Brings a log and its read models back from a copy of its archive. Read models are proven, as in a rebuild. */
export const run: Run = async (session, [archive], options) => {
  if (isSet(options, 'inPlace')) {
    if (archive !== undefined) throw usage('an archive that is copied is not in place', oneOfTwo);
    const { recoverInPlace } = await import('./recover-in-place.ts');
    return recoverInPlace(session, options);
  }
  if (archive === undefined) throw usage('no archive is named', oneOfTwo);
  return recoverCopy(session, archive, isSet(options, 'yes'));
};

const reportWaitMs = 10_000;
const oneOfTwo = 'Name the archive that is to be copied, or say --in-place where only the log is lost.';

async function recoverCopy(session: Session, archive: string, yes: boolean): Promise<ExitCode> {
  const config = readConfig(session.io.env, { data: session.data });
  const from = folderOf(archive);
  const plan = await planIn(from, config);
  refuseFull(config);
  await showPlan(session, plan);
  await confirm(session, `Recover ${plan.name} into ${config.dataDir}?`, yes);
  const startedAt = Date.now();
  const built: RebuildReport[] = [];
  const all = Promise.withResolvers<void>();
  await using progress = await openProgress(session);
  await using here = await openHere(session, config, {
    settled: true,
    onBuilt: (report) => {
      built.push(report);
      if (built.length === projections.length) all.resolve();
    },
    prepare: (ports) =>
      adopt(ports, config, { from, log: null }, (blobs) => progress.show('copying blobs', blobs, 0)),
  });
  // A model serves a moment before its report is there; one that came to no report is told as missing.
  const over = new AbortController();
  const late = wait(reportWaitMs, undefined, { signal: AbortSignal.any([session.io.signal, over.signal]) });
  // A timer that is left keeps the process.
  await Promise.race([all.promise, late]).finally(() => over.abort());
  await writeBuilt(session, plan, built);
  if (built.length < projections.length)
    throw new Failure({
      code: 'MODEL_UNAVAILABLE',
      detail: `the archive is there, but of ${projections.length} read models ${built.length} were built`,
    });
  await reportRecovery(session, config, { plan, built, startedAt }, here.call);
  session.note(`recovered: \`annal start --data ${config.dataDir}\` goes on in epoch ${plan.opens}`);
  return exitCodes.ok;
}

/** The folder that holds `archive` and `state`; `archive` itself may be named as well. */
function folderOf(given: string): string {
  const path = resolve(given);
  if (existsSync(join(path, 'archive', 'epochs'))) return path;
  if (basename(path) === 'archive' && existsSync(join(path, 'epochs'))) return dirname(path);
  throw new Fault('ARCHIVE_EMPTY', { archive: path });
}

async function planIn(from: string, { dataDir }: AnnalConfig): Promise<Plan> {
  await using source = folderArchive({ dir: from });
  return (await planOf(source, from, dataDir)).plan;
}

/** An adoption that a crash left unfinished has no epochs yet: it may go on. */
function refuseFull({ archive, dataDir }: AnnalConfig): void {
  if (archive.kind !== 'folder')
    throw new Failure(
      {
        code: 'CONFIG_INVALID',
        detail: 'recover copies an archive into a data folder, and ANNAL_BLOB_… names another place',
        doThis: 'Unset it; where that archive is there and only its log is lost, say --in-place.',
      },
      exitCodes.usage,
    );
  if (existsSync(join(dataDir, 'archive', 'epochs'))) throw new Fault('DATA_NOT_EMPTY', { folder: dataDir });
}
