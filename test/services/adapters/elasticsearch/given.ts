import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addresses } from '../../addresses.ts';

export const elasticsearchUrl = (): string => addresses().elasticsearchUrl;

/** A prefix of its own, and every index under it removed at the end. */
export function ownPrefix(): AsyncDisposable & { readonly prefix: string } {
  const prefix = `law${randomBytes(5).toString('hex')}`;
  return {
    prefix,
    async [Symbol.asyncDispose]() {
      // By name, one after the other: a cluster may forbid to delete by pattern.
      for (const name of Object.keys(await json('GET', `/${prefix}-*`))) await json('DELETE', `/${name}`);
    },
  };
}

/** Asks the server itself, past the adapter. */
export async function json(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${elasticsearchUrl()}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as Record<string, unknown>;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answered {
  readonly status: number;
  readonly body: Buffer;
}

/** Forwards to the server, with another body where one is given. */
export type Forward = (body?: Buffer) => Promise<Answered>;

/** Between adapter and server: gives the answer, or `cut` to break the connection without one. */
export type Interference = (asked: Asked, forward: Forward) => Promise<Answered | 'cut'>;

/** An address that stands for the server and lets `interfere` decide what happens to each request. */
export async function between(interfere: Interference): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = 'GET', url = '/', headers } = request;
      const asked: Asked = { method, path: url, headers, body: Buffer.concat(parts) };
      interfere(asked, (body) => forwarded(asked, body ?? asked.body)).then(
        (answer) => give(response, answer),
        () => response.destroy(),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function forwarded({ method, path, headers }: Asked, body: Buffer): Promise<Answered> {
  const answer = await fetch(`${elasticsearchUrl()}${path}`, {
    method,
    headers: {
      'content-type': headers['content-type'] ?? 'application/json',
      accept: headers.accept ?? 'application/json',
    },
    ...(body.length === 0 ? {} : { body }),
  });
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
}

function give(response: ServerResponse, answer: Answered | 'cut'): void {
  if (answer === 'cut') {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    'x-elastic-product': 'Elasticsearch',
  });
  response.end(answer.body);
}
