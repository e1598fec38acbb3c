import { setTimeout as wait } from 'node:timers/promises';
import type { Annal } from '../annal.ts';
import { openApi } from '../api/api.ts';
import type { AnnalConfig } from '../config.ts';
import { allRoles, type OpenOptions, openAnnal, type Roles } from '../open-annal.ts';
import type { Runtime } from '../runtime.ts';
import { finishAdoption } from '../sample.ts';
import { jsonLog, sayTo } from '../serve.ts';
import { version } from '../version.ts';
import type { Connection } from './connect.ts';
import { injectCall } from './inject-call.ts';
import { openProgress } from './progress.ts';
import type { Session } from './session.ts';

const settleMaxMs = 600_000;
const settleLookMs = 25;

export interface HereOptions extends Pick<OpenOptions, 'prepare' | 'onBuilt'> {
  /** What this process does; by default what nobody else does. */
  readonly roles?: Roles;
  /** Whether to wait until read models have what the log holds. */
  readonly settled: boolean;
}

/**
 * Everything in this process for as long as a command lasts, and the API without a port. Where every port is on a server,
 * others do the work of the lanes: this process takes none from them.
 */
export async function openHere(
  session: Session,
  config: AnnalConfig,
  { settled, roles = rolesOf(config), ...options }: HereOptions,
): Promise<Connection> {
  await using opening = new AsyncDisposableStack();
  const { env, stderr, signal } = session.io;
  // A command says by itself what failed; lines are for who asked for them.
  const log = jsonLog((env.ANNAL_LOG_LEVEL ?? '') === '' ? 'silent' : config.logLevel, stderr);
  const prepare: OpenOptions['prepare'] = async (ports) => {
    await finishAdoption(ports, config);
  };
  const here = opening.use(await openAnnal({ config, roles, say: sayTo(log), prepare, ...options }));
  const api = openApi(here.runtime, { bind: { host: '127.0.0.1' }, log, version: version() });
  opening.defer(() => api.close());
  await api.ready();
  // Whether lanes elsewhere go on is theirs to say: waiting for them might never end.
  if (settled && roles.projector) await settle(session, here.runtime);
  const opened = opening.move();
  return {
    call: injectCall(api, signal),
    place: config.dataDir,
    here: true,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const rolesOf = ({ log, archive, readModel }: AnnalConfig): Roles =>
  log.kind === 'kafka' && archive.kind === 'azure-blob' && readModel.kind === 'elasticsearch'
    ? { archiver: false, projector: false, intake: true }
    : allRoles;

/** Until every read model has what the log holds, or one says why it cannot: its answer then tells its cut. */
async function settle(session: Session, annal: Annal & Pick<Runtime, 'projectors'>): Promise<void> {
  const deadline = Date.now() + settleMaxMs;
  await using progress = await openProgress(session);
  let most = 0;
  for (;;) {
    const projections = await annal.projections();
    const lag = projections.reduce((sum, projection) => sum + projection.lag, 0);
    const behind = projections.some(
      ({ state, lag: left, fault }) => fault === null && (state === 'starting' || left > 0),
    );
    // An index serves a moment before its build has let go of the claim, and then the next command would be refused.
    const building = annal.projectors.some((projector) => {
      const { state, fault } = projector.status();
      return state === 'starting' && fault === undefined;
    });
    if (!(behind || building) || Date.now() > deadline) return;
    most = Math.max(most, lag);
    if (most > 0) progress.show('reading the log', most - lag, most);
    await wait(settleLookMs, undefined, { signal: session.io.signal });
  }
}
