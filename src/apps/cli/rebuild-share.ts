import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { formatTime } from '../../domain/moment.ts';
import { projections } from '../../projections/registry.ts';
import type { RebuildReport } from '../../streams/rebuild-report.ts';
import { isRunName } from '../../streams/shared-runs.ts';
import type { Annal } from '../annal.ts';
import { type AnnalConfig, readConfig } from '../config.ts';
import { openAnnal } from '../open-annal.ts';
import { known, type RebuildOptions, type Share } from '../rebuilds.ts';
import { jsonLog, sayTo } from '../serve.ts';
import { confirm } from './confirm.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { usage } from './failure.ts';
import { phases, ratesText } from './operations.ts';
import { openProgress } from './progress.ts';
import { tellUnsigned, writeReports } from './rebuild-reports.ts';
import { isSet, type Options, type Session, textOf } from './session.ts';

const membersMax = 1_000;
const lookMs = 250;

/**
 * Takes part in a rebuild that several processes do together: this one works by itself, whatever server runs. Each of them ends
 * with the report, or with what the rebuild failed of.
 */
export async function rebuildTogether(
  session: Session,
  name: string | undefined,
  { workers, ...asked }: RebuildOptions & { readonly workers: number },
  options: Options,
): Promise<ExitCode> {
  const share = shareIn(options);
  if (session.url !== undefined) throw usage('a share is done here, and --url names a server');
  if (workers > 1) throw usage('--workers and --share are two ways', 'Give more shares instead.');
  const config = readConfig(session.io.env, { data: session.data });
  refuseEmbedded(config);
  const names = name === undefined ? projections.map(({ definition }) => definition.projection) : [name];
  for (const one of names) known(one);
  await confirm(session, `Take part in rebuilding ${names.join(', ')}?`, isSet(options, 'yes'));
  const { env, stderr } = session.io;
  const log = jsonLog((env.ANNAL_LOG_LEVEL ?? '') === '' ? 'silent' : config.logLevel, stderr);
  const roles = { archiver: false, projector: false, intake: false };
  await using here = await openAnnal({ config, roles, say: sayTo(log) });
  const reports: RebuildReport[] = [];
  for (const one of names) {
    const { id } = await here.runtime.rebuild(one, { ...asked, share });
    const report = await followed(session, here.runtime, id);
    reports.push(report);
    if (session.output === 'ndjson') await session.write(`${JSON.stringify(report)}\n`);
  }
  await writeReports(session, reports);
  await tellUnsigned(session, reports, async (id) => (await here.runtime.report(id))?.signedBy ?? []);
  for (const report of reports) for (const line of whoDidWhat(report, share.member.by)) session.note(line);
  return exitCodes.ok;
}

/**
 * What each process did of a rebuild; and that this one did nothing, for who gives the word of a rebuild that is over gets what
 * came of that one.
 */
export function whoDidWhat(
  {
    projection,
    id,
    endedAt,
    ledBy,
    members = [],
  }: Pick<RebuildReport, 'projection' | 'id' | 'endedAt' | 'ledBy' | 'members'>,
  own: string,
): readonly string[] {
  const told = members.map(
    ({ by, units, documents, takenOver }) =>
      `${projection}: ${by}${by === ledBy ? ' (led)' : ''} ${units} units, ${documents.toLocaleString('en')} documents` +
      (takenOver > 0 ? `, ${takenOver} of the units taken over` : ''),
  );
  if (ledBy === own || members.some(({ by }) => by === own)) return told;
  const nothing = `${projection}: nothing was left to do of ${id}, which ended ${formatTime(endedAt)}`;
  return [...told, `${nothing}; another rebuild takes another word: --run`];
}

/** `--share 0/3 --run nightly`: which of them this is. Host and process make its name its own. */
function shareIn(options: Options): Share {
  const [given, run] = [textOf(options, 'share'), textOf(options, 'run')];
  if (given === undefined) throw usage('--run belongs to --share', 'Say which share this is: --share 0/3.');
  const [, k = '', n = ''] = /^(\d{1,4})\/(\d{1,4})$/.exec(given) ?? [];
  const [nth, of] = [Number(k), Number(n)];
  if (n === '' || of < 1 || of > membersMax || nth >= of)
    throw usage(`--share ${given}`, `Give k/n, with k from 0 to n-1, and n at most ${membersMax}.`);
  if (run === undefined || !isRunName(run))
    throw usage(
      run === undefined ? '--share needs --run' : `--run ${run}`,
      'Give all shares of one rebuild one name of [A-Za-z0-9._-], at most 64, and another rebuild another.',
    );
  return { member: { by: `${nth}/${of} ${hostname()}:${process.pid}`, nth, of }, run };
}

function refuseEmbedded({ archive, readModel, log }: AnnalConfig): void {
  const own = [
    ...(log.kind === 'file' ? ['log'] : []),
    ...(archive.kind === 'folder' ? ['archive'] : []),
    ...(readModel.kind === 'sqlite' ? ['read model'] : []),
  ];
  if (own.length > 0)
    throw usage(
      `--share is for servers that all shares reach, and one process alone owns the ${own.join(', ')} here`,
      'Leave --share out: one process rebuilds a data folder.',
    );
}

async function followed(session: Session, annal: Annal, id: string): Promise<RebuildReport> {
  await using progress = await openProgress(session, true);
  for (;;) {
    const { progress: told, projection, state, fault, rebuilt } = annal.operation(id)!;
    if (fault !== null) throw fault;
    if (state === 'done' && rebuilt !== null) return rebuilt;
    if (told !== null)
      progress.show(`${projection}: ${phases[told.phase]}`, told.done, told.total, ratesText(told));
    await wait(lookMs, undefined, { signal: session.io.signal });
  }
}
