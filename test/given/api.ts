import type { InjectOptions } from 'fastify';
import pino from 'pino';
import type { Annal } from '../../src/apps/annal.ts';
import { type ApiOptions, openApi } from '../../src/apps/api/api.ts';
import type { Api } from '../../src/apps/api/request.ts';
import type { OpenAnnal } from '../../src/apps/open-annal.ts';
import { caughtUp, embedded, submit } from './annal.ts';

export const urn = (name: string, namespace = 'shop'): string =>
  `urn:li:dataset:(urn:li:dataPlatform:hive,${namespace}.${name},PROD)`;

export const properties = (name: string, more: Record<string, unknown> = {}, namespace = 'shop') => ({
  urn: urn(name, namespace),
  aspect: 'datasetProperties',
  value: { name, ...more },
});

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | string[] | undefined>>;
  readonly text: string;
  // What an answer holds is what its test is about.
  // biome-ignore lint/suspicious/noExplicitAny: read by the test that knows it.
  readonly json: any;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Calling = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS',
  path: string,
  options?: CallOptions,
) => Promise<Answered>;

/** Calls an API within this process. A body that is no text is sent as JSON. */
export const calling =
  (api: Api): Calling =>
  async (method, path, { body, headers = {} } = {}) => {
    const request: InjectOptions = { method, url: path, headers: { ...headers } };
    if (body !== undefined) {
      request.payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      request.headers = { 'content-type': 'application/json', ...headers };
    }
    const answer = await api.inject(request);
    const isJson = /json/.test(String(answer.headers['content-type'])) && answer.body !== '';
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.body,
      json: isJson ? JSON.parse(answer.body) : undefined,
    };
  };

export const anApi = (annal: Annal, options: Partial<ApiOptions> = {}): Api =>
  openApi(annal, {
    bind: { host: '127.0.0.1' },
    log: pino({ level: 'silent' }),
    version: '0.0.0',
    ...options,
  });

export interface ServedAnnal extends AsyncDisposable {
  readonly annal: OpenAnnal;
  readonly api: Api;
  readonly call: Calling;
  /** Appends events, waits until they show, and gives their positions as text. */
  put(...events: unknown[]): Promise<string[]>;
}

/** An embedded Annal in a folder of its own with its API, for the local owner. */
export async function servedAnnal(options: Partial<ApiOptions> = {}): Promise<ServedAnnal> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await embedded({ ANNAL_PARTITIONS: '2' }));
  const annal = stack.use(await folder.open());
  const api = anApi(annal.runtime, options);
  stack.defer(() => api.close());
  return {
    annal,
    api,
    call: calling(api),
    async put(...events) {
      const results = await submit(annal, events);
      await caughtUp(annal);
      return results.map((result) => {
        if (result.status !== 'appended') throw new Error(JSON.stringify(result));
        const { epoch, partition, offset } = result.position;
        return `${epoch}-${partition}-${offset}`;
      });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
