import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fault, faults, isFault } from '../domain/fault.ts';
import type { AnnalConfig } from './config.ts';
import type { Log } from './runtime.ts';

const waitMs = { first: 500, max: 10_000 } as const;

/** What an orchestrator may know of a process that is not open yet. `detailed`: addresses too. */
function probesOnly(reason: () => Fault | undefined, detailed: boolean): Server {
  return createServer(({ url }, response) => {
    const [path] = (url ?? '/').split('?', 1);
    const fault = reason();
    const code = fault?.code ?? 'STARTING';
    const detail = fault === undefined ? 'opening' : detailed ? fault.message : faults[fault.code].about;
    const isLive = path === '/livez';
    response.writeHead(isLive ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isLive ? { live: true } : { ready: false, reasons: [{ code, detail }] }));
  });
}

/** The port it got; a taken one is for the real server to complain of. */
async function listening(server: Server, { bind, port }: AnnalConfig['http']): Promise<number> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(port));
    server.listen({ host: bind, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

/**
 * Opens, again and again while what is needed is away: brokers, stores, whoever gives tokens. Waits half a second first, twice as
 * long each time to 10 s, half of it by chance, so that many processes do not come back at one moment. Meanwhile `/livez` answers
 * 200 and everything else 503 with the reason, on the port that is given back. Rejects with any other fault, and with the
 * signal's reason.
 */
export async function openWhenThere<T>(
  open: () => Promise<T>,
  {
    http,
    detailed,
    say,
    signal,
  }: { http: AnnalConfig['http']; detailed: boolean; say: Log; signal: AbortSignal },
): Promise<{ readonly opened: T; readonly port: number }> {
  let fault: Fault | undefined;
  let probes: { readonly server: Server; readonly port: number } | undefined;
  try {
    for (let tries = 0; ; tries += 1) {
      signal.throwIfAborted();
      try {
        return { opened: await open(), port: probes?.port ?? http.port };
      } catch (error) {
        if (!isFault(error) || error.remedy !== 'retry') throw error;
        fault = error;
      }
      if (probes === undefined) {
        const server = probesOnly(() => fault, detailed);
        probes = { server, port: await listening(server, http) };
      }
      const mostMs = Math.min(waitMs.first * 2 ** tries, waitMs.max);
      const nextMs = Math.round(mostMs / 2 + (Math.random() * mostMs) / 2);
      say('warn', 'waiting to open', { code: fault.code, error: fault.message, tries: tries + 1, nextMs });
      await pause(nextMs, signal);
    }
  } finally {
    const server = probes?.server;
    if (server?.listening === true) {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    }
  }
}

function pause(lastsMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, lastsMs);
    signal.addEventListener('abort', stop, { once: true });
  });
}
