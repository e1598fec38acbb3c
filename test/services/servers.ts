import { addressVariables, type ServerKind } from './addresses.ts';
import { startContainer } from './containers.ts';
import { dockerAnswers } from './docker-engine.ts';
import { startNatively } from './native/start.ts';
import { probes } from './probes.ts';
import type { RunningServer, ServerOptions } from './running-server.ts';

/**
 * A real server of this kind, answering. Its route, in this order: the address in the environment (not for an `own`
 * one), testcontainers where a Docker engine answers, a process from packages (also, with a line on stderr, where the
 * engine cannot run the image). An address that does not answer is a failure, never replaced by another server.
 */
export async function startServer(kind: ServerKind, options: ServerOptions = {}): Promise<RunningServer> {
  const address = process.env[addressVariables[kind]];
  if (options.route === 'native') return startNatively(kind, options);
  if (options.route === 'testcontainers') return startContainer(kind, options);
  if (address && !options.own) return givenServer(kind, address);
  if (!(await dockerAnswers())) return startNatively(kind, options);
  return startContainer(kind, options).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${kind}: no container (${reason}); running it from packages\n`);
    return startNatively(kind, options);
  });
}

async function givenServer(kind: ServerKind, address: string): Promise<RunningServer> {
  const version = await probes[kind](address).catch((error: unknown) => {
    throw new Error(`nothing usable at the address in ${addressVariables[kind]}`, { cause: error });
  });
  const notOurs = async (): Promise<never> => {
    throw new Error(
      `${kind} is given by ${addressVariables[kind]} and shared: start an own one to stop or kill it`,
    );
  };
  const leaveAlone = async (): Promise<void> => undefined;
  return {
    kind,
    route: 'address',
    address,
    version,
    pid: undefined,
    stop: leaveAlone,
    [Symbol.asyncDispose]: leaveAlone,
    kill: notOurs,
    end: notOurs,
    restart: notOurs,
    pause: notOurs,
    resume: notOurs,
  };
}
