import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below every system's ephemeral range: a port of ours cannot become the outgoing port of a client while a killed
// server is down and about to come back on it.
const portMin = 20_000;
const portEnd = 32_000;
const triesMax = 200;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });

/**
 * `count` different TCP ports of the loopback address that nobody listens on, 20000 to 31999. They are not reserved:
 * another process may take one before the server does, so a caller starts again with new ones. Fails after 200 tries.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries === triesMax) throw new Error(`no ${count} free ports between ${portMin} and ${portEnd - 1}`);
    const port = randomInt(portMin, portEnd);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}
