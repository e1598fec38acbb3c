import { limits } from '../domain/event.ts';
import type { Remedy } from '../domain/fault.ts';
import { retryAfterMs } from './backoff.ts';
import { checkedValue, type ReadyChange } from './change.ts';
import { divided } from './divided.ts';
import { PublishError } from './publish-error.ts';
import type { Parcel, Transport, Verdict } from './transport.ts';

export interface HttpOptions {
  /** Of an Annal: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Asked before each request, so that it may change. */
  readonly token?: () => string | undefined;
  /** How long a request may take. The server decides within 20 s. Default 30 s. */
  readonly requestMs?: number;
}

const concernAll: ReadonlySet<number | undefined> = new Set([401, 403, 404]);
const isOfAll = ({ remedy, status }: PublishError): boolean => remedy === 'retry' || concernAll.has(status);

const changeBytesMax = limits.requestBytesMax - 1_024;

/** Publishes over HTTP: acknowledged is what stands in the log. Throws a `TypeError` for what is no http URL. */
export function httpTransport({ url, token, requestMs = 30_000 }: HttpOptions): Transport {
  const base = new URL(url);
  if (!/^https?:$/.test(base.protocol) || base.username !== '' || base.password !== '')
    throw new TypeError('the URL of an Annal begins with http:// or https:// and holds no password');
  const address = base.href.replace(/\/+$/, '');

  async function post(parcels: readonly Parcel[], signal: AbortSignal): Promise<Response> {
    const bearer = token?.();
    try {
      return await fetch(`${address}/v1/events`, {
        method: 'POST',
        redirect: 'error',
        headers: {
          accept: 'application/json, application/problem+json',
          'content-type': 'application/json',
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        },
        body: arrayOf(parcels),
        signal,
      });
    } catch (error) {
      throw unreachable(address, error);
    }
  }

  async function once(parcels: readonly Parcel[], signal: AbortSignal): Promise<readonly Verdict[]> {
    signal.throwIfAborted();
    const both = AbortSignal.any([signal, AbortSignal.timeout(requestMs)]);
    try {
      const answer = await post(parcels, both);
      const text = await answer.text();
      if (answer.status === 200) return verdictsOf(text, parcels.length);
      throw problemOf(answer.status, text, retryAfterMs(answer.headers.get('retry-after'), Date.now()));
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof PublishError ? error : unreachable(address, error);
    }
  }

  return {
    ...{ where: 'log', address, changesMax: 500, bytesMax: 4 * 1024 * 1024 },
    send: (parcels, signal) => divided(parcels, (some) => once(some, signal), isOfAll),
    pack(change) {
      const bytes = eventText(change);
      if (bytes.length > changeBytesMax)
        throw new PublishError('BODY_TOO_LARGE', { detail: `the change has ${bytes.length} bytes` });
      return { change, bytes };
    },
    async [Symbol.asyncDispose]() {},
  };
}

function eventText(change: ReadyChange): Buffer {
  const value = checkedValue(change);
  const { value: _value, ...rest } = change;
  const head = Buffer.from(JSON.stringify(rest));
  if (value === null) return head;
  return Buffer.concat([head.subarray(0, -1), Buffer.from(',"value":'), value, Buffer.from('}')]);
}

const arrayOf = (parcels: readonly Parcel[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    Buffer.concat([
      Buffer.from('['),
      ...parcels.flatMap(({ bytes }, at) => (at === 0 ? [bytes] : [Buffer.from(','), bytes])),
      Buffer.from(']'),
    ]),
  );

interface Result {
  readonly status?: unknown;
  readonly position?: unknown;
  readonly repeated?: unknown;
  readonly code?: unknown;
  readonly pointer?: unknown;
  readonly detail?: unknown;
}

function verdictsOf(text: string, count: number): readonly Verdict[] {
  const { results } = object(text) as { results?: unknown };
  if (!Array.isArray(results) || results.length !== count) throw notUnderstood();
  return results.map((result: Result): Verdict => {
    const { status, position, repeated, code, pointer, detail } = result;
    if (status === 'appended' && typeof position === 'string')
      return { place: { where: 'log', position }, repeated: repeated === true };
    if (typeof code !== 'string') throw notUnderstood();
    const told = { detail: textOr(detail, code), pointer: typeof pointer === 'string' ? pointer : undefined };
    return { refused: new PublishError(code, told) };
  });
}

/** Whoever answers so did something with it, or a proxy did: the same ids again do no harm. */
const notUnderstood = (): PublishError =>
  new PublishError('SERVER_UNREACHABLE', { detail: 'what answers is no Annal, or of another version' });

const passing: ReadonlySet<number> = new Set([408, 425, 429]);

function problemOf(status: number, text: string, waitMs: number | undefined): PublishError {
  const { code, detail, pointer } = object(text) as Result;
  const remedy: Remedy = status >= 500 || passing.has(status) ? 'retry' : 'refuse';
  // What has no code was not said by an Annal.
  const said = typeof code === 'string' ? code : remedy === 'retry' ? 'SERVER_UNREACHABLE' : `HTTP_${status}`;
  return new PublishError(said, {
    ...{ detail: textOr(detail, `the server answered ${status}`), status, remedy, retryAfterMs: waitMs },
    pointer: typeof pointer === 'string' ? pointer : undefined,
  });
}

const textOr = (text: unknown, other: string): string => (typeof text === 'string' ? text : other);

function object(text: string): object {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function unreachable(address: string, error: unknown): PublishError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why =
    cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : String(cause);
  return new PublishError('SERVER_UNREACHABLE', { detail: `${address}: ${why}`, cause: error });
}
