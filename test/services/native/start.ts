import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerKind } from '../addresses.ts';
import { whenAnswering } from '../probes.ts';
import type { RunningServer, ServerOptions } from '../running-server.ts';
import { azurite } from './azurite.ts';
import { lastLines } from './commands.ts';
import { elasticsearch } from './elasticsearch.ts';
import { kafka } from './kafka.ts';
import { freePorts } from './ports.ts';
import { type Reaper, startReaper } from './reaper.ts';
import type { Attempt, NativePlan, NativeRecipe } from './recipe.ts';
import { registry } from './registry.ts';
import { type ServerProcess, serverProcess } from './server-process.ts';

const recipes: Readonly<Record<ServerKind, NativeRecipe>> = { kafka, elasticsearch, registry, azurite };

const orderlyEndWaitMs = 20_000;
const killWaitMs = 10_000;
const triesMax = 3;

/**
 * Runs a server from packages as a process of its own, waits until it answers, at most two minutes. A port taken by
 * somebody else meanwhile means another try, three in all. Fails with the last 30 lines of the server's log.
 */
export async function startNatively(kind: ServerKind, options: ServerOptions): Promise<RunningServer> {
  const recipe = recipes[kind];
  const plan = await recipe.prepare();
  for (let tries = 1; ; tries++) {
    const folder = await mkdtemp(join(tmpdir(), `annal-${kind}-`));
    const reaper = startReaper(folder);
    let server: ServerProcess | undefined;
    try {
      const attempt: Attempt = { folder, ports: await freePorts(recipe.portsCount), options };
      const planned = await plan(attempt);
      server = serverProcess(planned.command, folder, reaper);
      server.start();
      const { address } = planned;
      const told = await whenAnswering(kind, address, runs(server));
      return handle(kind, planned, told, { server, folder, reaper });
    } catch (error) {
      const log = server?.log() ?? '';
      await discard({ server, folder, reaper });
      if (tries < triesMax && /already in use|EADDRINUSE|BindException|seems to be in use/i.test(log))
        continue;
      throw log === '' ? error : withLog(error, log);
    }
  }
}

interface Held {
  readonly server: ServerProcess | undefined;
  readonly folder: string;
  readonly reaper: Reaper;
}

function withLog(cause: unknown, log: string): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const last = cause instanceof Error && cause.cause !== undefined ? { cause: cause.cause } : {};
  return new Error(`${reason}; the last lines of its log:\n${lastLines(log)}\n`, last);
}

const runs = (server: ServerProcess) => async (): Promise<boolean> => server.pid !== undefined;

async function end(server: ServerProcess): Promise<void> {
  server.signal('SIGKILL');
  if (!(await server.ended(killWaitMs))) throw new Error(`process ${server.pid} did not end by SIGKILL`);
}

async function endInOrder(server: ServerProcess): Promise<void> {
  server.signal('SIGCONT');
  server.signal('SIGTERM');
  if (!(await server.ended(orderlyEndWaitMs))) await end(server);
}

async function discard({ server, folder, reaper }: Held): Promise<void> {
  if (server !== undefined) await end(server);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  reaper.done();
}

function handle(
  kind: ServerKind,
  { address, softwareOf }: NativePlan,
  told: string,
  held: Held & { readonly server: ServerProcess },
): RunningServer {
  const { server } = held;
  const software = softwareOf?.(server.log());
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= discard(held);
    return stopping;
  };
  return {
    kind,
    route: 'native',
    address,
    version: software === undefined ? told : `${software}: ${told}`,
    get pid() {
      return server.pid;
    },
    stop,
    [Symbol.asyncDispose]: stop,
    kill: () => end(server),
    end: () => endInOrder(server),
    async restart() {
      await endInOrder(server);
      server.start();
      await whenAnswering(kind, address, runs(server)).catch((error) => {
        throw withLog(error, server.log());
      });
    },
    pause: () => server.pause(),
    resume: async () => server.signal('SIGCONT'),
  };
}
