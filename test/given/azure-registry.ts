import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { AzureRegistrySettings } from '../../src/adapters/azure-registry/client.ts';

type HttpClient = NonNullable<AzureRegistrySettings['httpClient']>;

const require = createRequire(import.meta.url);
const { createDefaultHttpClient } = require('@azure/core-rest-pipeline') as {
  createDefaultHttpClient(): HttpClient;
};

interface Held {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly text: string;
}

export interface FakeAzure extends AsyncDisposable {
  /** What the adapter is given: an address of Azure whose requests come here. */
  readonly settings: AzureRegistrySettings;
  /** `GET /$schemaGroups/…` of each request, as they came. */
  readonly asked: string[];
  /** Statuses that the next requests are answered with, first come first. */
  readonly storm: number[];
  /** Answers for this id with another schema from now on. */
  lie(id: string, text: string): void;
}

const avro = 'application/json; serialization=Avro';
const secret = 'a-token';
const from = 'https://fake.servicebus.windows.net';

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const refusal = (status: number, code: string): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...(status === 429 ? { 'retry-after': '0' } : {}) },
  body: JSON.stringify({ error: { code, message: `${code}: as the fake has it` } }),
});

/** What one group holds, and how it answers about it. */
class Group {
  readonly name: string;
  readonly held: Held[] = [];
  readonly lies = new Map<string, string>();

  constructor(name: string) {
    this.name = name;
  }

  private properties({ id, name, version }: Held) {
    return {
      ...{ 'schema-id': id, 'schema-group-name': this.name, 'schema-name': name },
      ...{ 'schema-version': String(version), 'schema-id-location': `${from}/$schemaGroups/$schemas/${id}` },
    };
  }

  told(found: Held | undefined): Reply {
    if (found === undefined) return refusal(404, 'ItemNotFound');
    const headers = { 'content-type': avro, ...this.properties(found) };
    return { status: 200, headers, body: this.lies.get(found.id) ?? found.text };
  }

  idOf(name: string, text: string): Reply {
    const found = this.held.find((one) => one.name === name && one.text === text);
    return found === undefined
      ? refusal(404, 'ItemNotFound')
      : { status: 204, headers: this.properties(found) };
  }

  register(name: string, text: string): Reply {
    if (!/^[A-Za-z0-9][^\\/$:]{0,49}$/u.test(name)) return refusal(400, 'InvalidRequest');
    if (!this.held.some((one) => one.name === name && one.text === text)) {
      const version = this.held.filter((one) => one.name === name).length + 1;
      this.held.push({ id: randomUUID().replaceAll('-', ''), name, version, text });
    }
    return this.idOf(name, text);
  }
}

function answer(group: Group, request: IncomingMessage, text: string): Reply {
  const { method, headers } = request;
  const { pathname, searchParams } = new URL(request.url ?? '', from);
  if (headers.authorization !== `Bearer ${secret}`) return refusal(401, 'Unauthorized');
  if (searchParams.get('api-version') !== '2023-07-01') return refusal(400, 'InvalidApiVersion');
  const parts = pathname.slice(1).split('/').map(decodeURIComponent);
  const [root, first, second, name = '', versions, version] = parts;
  if (root !== '$schemaGroups') return refusal(404, 'ResourceNotFound');
  if (first === '$schemas') return group.told(group.held.find(({ id }) => id === second));
  if (first !== group.name || second !== 'schemas') return refusal(404, 'SchemaGroupNotFound');
  if (method === 'GET' && versions === 'versions' && version !== undefined)
    return group.told(group.held.find((one) => one.name === name && String(one.version) === version));
  if (headers['content-type'] !== avro) return refusal(415, 'UnsupportedMediaType');
  if (method === 'PUT' && versions === undefined) return group.register(name, text);
  const asked = /^(.*):get-id$/.exec(name);
  return method === 'POST' && asked !== null ? group.idOf(asked[1]!, text) : refusal(404, 'ResourceNotFound');
}

/**
 * Azure Schema Registry over HTTP, as its REST API 2023-07-01 is documented and the client library speaks it: one group, which
 * asks for no compatibility. Written from the documentation; no answer of the service itself was seen.
 */
export async function fakeAzureRegistry(name = 'annal'): Promise<FakeAzure> {
  const group = new Group(name);
  const asked: string[] = [];
  const storm: number[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    asked.push(`${request.method} ${new URL(request.url ?? '', from).pathname}`);
    const trouble = storm.shift();
    const { status, headers, body } =
      trouble === undefined
        ? answer(group, request, Buffer.concat(pieces).toString('utf8'))
        : refusal(trouble, 'Trouble');
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tokens = async () => ({ value: secret, endsAt: Date.now() + 3_600_000 });
  return {
    settings: { url: from, group: name, tokens, httpClient: sentTo(from, to) },
    ...{ asked, storm },
    lie: (id, text) => void group.lies.set(id, text),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** The library's own client, which signs requests over TLS alone: those to `address` go to `to`, in clear. */
export function sentTo(address: string, to: string): HttpClient {
  const client = createDefaultHttpClient();
  return {
    sendRequest(request) {
      request.url = request.url.replace(address, to);
      request.allowInsecureConnection = true;
      return client.sendRequest(request);
    },
  };
}
