import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Fault } from '../domain/fault.ts';
import type { Api } from './api/request.ts';
import type { AnnalConfig, Role } from './config.ts';
import { type OpenAnnal, type OpenOptions, openAnnal, type Roles } from './open-annal.ts';
import type { Log } from './runtime.ts';
import { version as ownVersion } from './version.ts';
import { openWhenThere } from './wait-to-open.ts';

export const version: string = ownVersion();

const rolesOf: Readonly<Record<Role, Roles>> = {
  all: { archiver: true, projector: true, intake: true, catalog: true },
  archiver: { archiver: true, projector: false, intake: false },
  projector: { archiver: false, projector: true, intake: false },
  api: { archiver: false, projector: false, intake: true },
  catalog: { archiver: false, projector: false, intake: true, catalog: true },
};

/** JSON lines on stderr: one fact each. */
export const jsonLog = (
  level: AnnalConfig['logLevel'],
  stderr: { write(line: string): unknown },
): pino.Logger =>
  pino({ level, base: { pid: process.pid } }, { write: (line: string) => void stderr.write(line) });

export const sayTo =
  (log: pino.Logger): Log =>
  (level, what, facts) =>
    log[level](facts, what);

/** A process that serves: what it runs, its API, and where that listens. */
export interface Serving extends AsyncDisposable {
  readonly annal: OpenAnnal;
  readonly api: Api;
  /** URL of the API. */
  readonly address: string;
}

export interface ServeOptions extends Pick<OpenOptions, 'prepare' | 'probes' | 'onBuilt'> {
  /** Waits for what is away, until the signal aborts. Without it a start fails. */
  readonly patience?: AbortSignal;
}

/**
 * Opens what the configured role needs, listens, and says in the data folder where. `archiver` and `projector` listen too,
 * for health and metrics. A taken port is not waited for: unless somebody asked for it, the next free one is used. Disposing
 * drains: no more requests, lanes end, the archive is flushed. With `patience`, what is away is waited for: see `openWhenThere`.
 */
export async function serve(
  config: AnnalConfig,
  log: pino.Logger,
  { patience, ...options }: ServeOptions = {},
): Promise<Serving> {
  await using opening = new AsyncDisposableStack();
  const { openApi } = await import('./api/api.ts');
  const tokens =
    config.tokensFile === undefined
      ? undefined
      : await import('./api/tokens.ts').then(({ readTokens }) => readTokens(config.tokensFile!));
  const { http } = config;
  const say = sayTo(log);
  const open = () => openAnnal({ config, roles: rolesOf[config.role], say, ...options });
  const { opened: annal, port } =
    patience === undefined
      ? { opened: await open(), port: http.port }
      : await openWhenThere(open, { http, detailed: tokens === undefined, say, signal: patience });
  opening.use(annal);
  const api = openApi(annal.runtime, {
    bind: { host: config.http.bind },
    ...(tokens === undefined ? {} : { tokens }),
    ...(config.datahubAspects === undefined ? {} : { datahubAspects: config.datahubAspects }),
    log,
    version,
  });
  opening.defer(() => api.close());
  const address = await listen(api, { ...http, port });
  annal.lock?.announce({ address, pid: process.pid });
  const opened = opening.move();
  return { annal, api, address, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const portsTried = 50;

async function listen(api: Api, { bind, port, portFirm }: AnnalConfig['http']): Promise<string> {
  await api.ready();
  for (let next = port; ; next += 1) {
    try {
      await api.listen({ host: bind, port: next });
      const { address, family, port: taken } = api.server.address() as AddressInfo;
      const host = bind === 'localhost' ? bind : family === 'IPv6' ? `[${address}]` : address;
      return `http://${host}:${taken}`;
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!isTaken) throw error;
      if (portFirm || next >= port + portsTried) throw new Fault('PORT_TAKEN', { bind, port: next }, error);
    }
  }
}
