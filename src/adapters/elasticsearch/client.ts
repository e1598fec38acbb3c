import type { Readable } from 'node:stream';
import type { Client, errors as ClientErrors } from '@elastic/elasticsearch';
import { Fault } from '../../domain/fault.ts';

export type ElasticsearchAuth =
  | { readonly apiKey: string }
  | { readonly bearer: string }
  | { readonly username: string; readonly password: string };

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: object;
  /** NDJSON as bytes: sent as it is. */
  readonly lines?: Buffer;
  /** Port name of the index that is asked, to name it where it is missing. */
  readonly index?: string;
}

/**
 * A refusal that the caller may know how to take: 4xx, and 500 where a state forbids the request. `type` is empty where it
 * is no answer of Elasticsearch. To everybody else it is an engine that cannot be used.
 */
export class Refusal extends Fault {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, reason: string, { method, path }: Request, place: string) {
    const told = type === '' ? 'as Elasticsearch never does' : `${type} ${reason}`;
    super('MODEL_UNAVAILABLE', { place, why: `${method} ${path} was answered ${status}, ${told}` });
    this.status = status;
    this.type = type;
  }
}

/** The answer exceeds `answerBytesMax`: ask for less. */
export class AnswerTooLarge extends Error {}

/** The connection broke, or no answer came in time: whatever was asked may have happened. */
export const replyLost = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'MODEL_UNAVAILABLE' && error.facts.reply === 'lost';

export interface ElasticsearchClient {
  /**
   * One request, never tried again here. Rejects with `MODEL_UNAVAILABLE` when the engine is away or too busy or the
   * index is missing, with `AnswerTooLarge`, else with a `Refusal`, which is a `MODEL_UNAVAILABLE` too.
   */
  request<T>(request: Request): Promise<T>;
  /** The same, and the answer as the bytes it came in. */
  requestBytes(request: Request): Promise<Buffer>;
  close(): Promise<void>;
}

const answerMs = 60_000;
const busy = new Set([401, 403, 408, 429, 502, 503, 504]);

/** The client is loaded with the first request: who runs without Elasticsearch does not pay for it. */
export function elasticsearchClient(
  url: string,
  place: string,
  { auth, ca }: { readonly auth?: ElasticsearchAuth | undefined; readonly ca?: string | undefined },
  answerBytesMax: number,
): ElasticsearchClient {
  let loading: Promise<{ client: Client; errors: typeof ClientErrors }> | undefined;
  let closed = false;

  async function load(): Promise<{ client: Client; errors: typeof ClientErrors }> {
    const { Client, errors } = await import('@elastic/elasticsearch');
    const client = new Client({
      node: url,
      maxRetries: 0,
      requestTimeout: answerMs,
      // Members of answers are read by name and never copied into other objects: a look through each text for a key
      // `__proto__` would take as long as parsing it.
      disablePrototypePoisoningProtection: true,
      ...(auth === undefined ? {} : { auth: 'bearer' in auth ? { bearer: auth.bearer } : auth }),
      ...(ca === undefined ? {} : { tls: { ca } }),
    });
    return { client, errors };
  }

  function translated(error: unknown, errors: typeof ClientErrors, request: Request): Error {
    // The client's errors carry the whole request; a fault keeps the message alone.
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof errors.RequestAbortedError && why.startsWith('The content length'))
      return new AnswerTooLarge(why);
    if (!(error instanceof errors.ResponseError))
      return error instanceof errors.ElasticsearchClientError
        ? new Fault('MODEL_UNAVAILABLE', { place, why, reply: 'lost' })
        : new Error(why);
    return refused(error.statusCode ?? 0, error.body, request);
  }

  function refused(status: number, body: unknown, request: Request): Error {
    const { type, reason } = causeOf(body);
    if (type === 'index_not_found_exception' && request.index !== undefined)
      return new Fault('MODEL_UNAVAILABLE', { missing: request.index, place });
    if (busy.has(status)) return new Fault('MODEL_UNAVAILABLE', { place, status, why: `${type} ${reason}` });
    return new Refusal(status, type, reason, request, place);
  }

  async function loaded(): Promise<{ client: Client; errors: typeof ClientErrors }> {
    if (closed) throw new Fault('MODEL_UNAVAILABLE', { place, closed: true });
    loading ??= load();
    return loading;
  }

  return {
    async request<T>(request: Request): Promise<T> {
      const { client, errors } = await loaded();
      try {
        return await client.transport.request<T>(sent(request), { maxResponseSize: answerBytesMax });
      } catch (error) {
        throw translated(error, errors, request);
      }
    },
    async requestBytes(request) {
      const { client, errors } = await loaded();
      let bytes: Buffer;
      let status: number;
      try {
        const answer = await client.transport.request<Readable>(sent(request), {
          asStream: true,
          meta: true,
        });
        status = answer.statusCode ?? 0;
        bytes = await collected(answer.body, answerBytesMax);
      } catch (error) {
        if (error instanceof AnswerTooLarge) throw error;
        throw error instanceof errors.ElasticsearchClientError
          ? translated(error, errors, request)
          : new Fault('MODEL_UNAVAILABLE', { place, why: String(error), reply: 'lost' });
      }
      if (status >= 400) throw refused(status, parsed(bytes), request);
      return bytes;
    },
    async close() {
      closed = true;
      await (await loading)?.client.close();
    },
  };
}

const sent = ({ method, path, query, body, lines }: Request) => ({
  method,
  path,
  ...(query === undefined ? {} : { querystring: query }),
  ...(body === undefined ? {} : { body }),
  ...(lines === undefined ? {} : { bulkBody: lines }),
});

async function collected(body: Readable, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop ends the answer.
    if (bytes > bytesMax) throw new AnswerTooLarge(`more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/** What stands in a refusal: JSON, unless it is of somebody between us and the engine. */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** An error's type and reason; an alias that is missing is told as a plain text. */
function causeOf(body: unknown): { type: string; reason: string } {
  if (typeof body !== 'object' || body === null || !('error' in body)) return { type: '', reason: '' };
  const { error } = body;
  if (typeof error !== 'object' || error === null) return { type: '', reason: String(error) };
  const text = (name: 'type' | 'reason'): string =>
    name in error ? String((error as Record<string, unknown>)[name]) : '';
  return { type: text('type'), reason: text('reason') };
}
