import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Law, LawBroken } from './law.ts';
import { openLine } from './open-line.ts';

export interface InboxPlace {
  /** As in `CONNECTION_STRING`. */
  readonly connection: string;
  readonly topic: string;
  readonly registryUrl: string;
}

const silentMs = 2_000;
const told = /^MCE Published \S+ inbox:\d+-\d+$/m;

/** While the registry is away nothing is told as published; when it is back, the plugin goes on. */
export const registryLaw = ({ connection, topic, registryUrl }: InboxPlace): Law => ({
  name: 'registry',
  about: 'while the schema registry is away it tells nothing as published, and goes on when it is back',
  async look(bench) {
    let asked = 0;
    let isAway = true;
    const server = createServer((request, response) => {
      asked += 1;
      if (isAway) {
        response.writeHead(503).end('away');
        return;
      }
      const passOn = async (): Promise<void> => {
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
        const answer = await openLine(registryUrl, request, Buffer.concat(chunks));
        response.writeHead(answer.status, answer.headers).end(answer.text);
      };
      passOn().catch((error: Error) => response.destroy(error));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      bench.begin();
      const inbox = { CONNECTION_STRING: connection, EVENTHUB: topic, SCHEMA_REGISTRY_URL: url };
      await using plugin = await bench.start({ ...inbox, ANNAL_URL: undefined });
      await bench.until('the registry was never asked', plugin, () => asked > 0);
      await bench.rest(silentMs);
      if (told.test(plugin.stdout())) throw new LawBroken('it told something as published without a schema');
      isAway = false;
      await bench.until('nothing was told as published', plugin, () => told.test(plugin.stdout()));
      return `${asked} requests to the registry`;
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
});
