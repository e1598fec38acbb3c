import { setTimeout as wait } from 'node:timers/promises';
import type { Annal } from '../annal.ts';
import { openApi } from '../api/api.ts';
import type { AnnalConfig } from '../config.ts';
import { openLogger, sayTo } from '../log-lines.ts';
import { allRoles, openAnnal, type Roles } from '../open-annal.ts';
import { finishAdoption } from '../sample.ts';
import { version } from '../version.ts';
import { type Call, target } from './call.ts';
import type { Connection } from './connect.ts';
import { openProgress } from './progress.ts';
import type { Session } from './session.ts';

const settleMaxMs = 600_000;
const settleLookMs = 25;

/**
 * Everything in this process for as long as a command lasts, and the API without a port. Where every port is on a server,
 * others do the work of the lanes: this process takes none from them.
 */
export async function openHere(session: Session, config: AnnalConfig, settled: boolean): Promise<Connection> {
  await using opening = new AsyncDisposableStack();
  const { env, stderr, signal } = session.io;
  const logger = openLogger((env.ANNAL_LOG_LEVEL ?? '') === '' ? 'silent' : config.logLevel, stderr);
  const prepare = async (ports: Parameters<typeof finishAdoption>[0]): Promise<void> => {
    await finishAdoption(ports, config);
  };
  const here = opening.use(await openAnnal({ config, roles: rolesOf(config), say: sayTo(logger), prepare }));
  const app = opening.adopt(
    openApi(here.runtime, { bind: { host: '127.0.0.1' }, log: logger, version: version() }),
    (served) => served.close(),
  );
  await app.ready();
  if (settled) await settle(session, here.runtime);
  const call: Call = async (method, path, { query, body, headers, signal: asked } = {}) => {
    const answer = app.inject({
      method,
      url: target(path, query),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : Buffer.from(body) }),
    });
    const { statusCode, headers: told, body: text } = await orAborted(answer, asked ?? signal);
    return {
      status: statusCode,
      headers: Object.fromEntries(Object.entries(told).map(([name, value]) => [name, String(value)])),
      text,
    };
  };
  const opened = opening.move();
  return { call, place: config.dataDir, here: true, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const rolesOf = ({ log, archive, readModel }: AnnalConfig): Roles =>
  log.kind === 'kafka' && archive.kind === 'azure-blob' && readModel.kind === 'elasticsearch'
    ? { archiver: false, projector: false, intake: true }
    : allRoles;

/** Until every read model has what the log holds, or one says why it cannot: its answer then tells its cut. */
async function settle(session: Session, annal: Annal): Promise<void> {
  const deadline = Date.now() + settleMaxMs;
  await using progress = await openProgress(session);
  let most = 0;
  for (;;) {
    const projections = await annal.projections();
    const lag = projections.reduce((sum, projection) => sum + projection.lag, 0);
    const behind = projections.some(
      ({ state, lag: left, fault }) => fault === null && (state === 'starting' || left > 0),
    );
    if (!behind || Date.now() > deadline) return;
    most = Math.max(most, lag);
    progress.show('reading the log', most - lag, most);
    await wait(settleLookMs, undefined, { signal: session.io.signal });
  }
}

async function orAborted<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
