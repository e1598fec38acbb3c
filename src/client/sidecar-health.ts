import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an orchestrator asks of a sidecar. */
export interface SidecarHealth {
  /** Why it cannot do its work now; none: it does. */
  readonly reasons: readonly { readonly code: string; readonly detail: string }[];
  readonly facts: Readonly<Record<string, string | number | null>>;
}

export interface HealthEndpoint extends AsyncDisposable {
  readonly address: string;
}

/**
 * Serves `/livez` (200 while the process runs), and `/readyz` (200, or 503 with reasons) with the facts beside it. Neither
 * tells anything secret. Rejects where the port is taken.
 */
export async function serveHealth(
  { bind, port }: { readonly bind: string; readonly port: number },
  health: () => SidecarHealth,
): Promise<HealthEndpoint> {
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0];
    const known = request.method === 'GET' && (path === '/livez' || path === '/readyz');
    const { reasons, facts } = health();
    const isReady = path === '/livez' || reasons.length === 0;
    response.writeHead(known ? (isReady ? 200 : 503) : 404, { 'content-type': 'application/json' });
    response.end(known ? JSON.stringify({ ready: isReady, reasons, ...facts }) : '{}');
  });
  server.maxConnections = 64;
  server.listen(port, bind);
  await once(server, 'listening');
  const { port: taken } = server.address() as AddressInfo;
  return {
    address: `http://${bind.includes(':') ? `[${bind}]` : bind}:${taken}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
