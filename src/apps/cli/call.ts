import { faults } from '../../domain/fault.ts';
import { Failure, type Problem } from './failure.ts';

type QueryValue = string | number | readonly string[] | undefined;

export interface Request {
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/**
 * One request to the HTTP API, wherever it is served: by a running server, or within this process. Any status is an
 * answer. Rejects with a `Failure` `SERVER_UNREACHABLE`, or with the signal's reason.
 */
export type Call = (method: 'GET' | 'POST' | 'DELETE', path: string, request?: Request) => Promise<Answer>;

/** Path and query, what is undefined left out; a list gives its name several times. */
export function target(path: string, query: Request['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const values = value === undefined ? [] : typeof value === 'object' ? value : [String(value)];
    for (const text of values) search.append(name, text);
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Calls an API over HTTP. `token`: sent as a bearer token. */
export function httpCall(base: string, token: string | undefined): Call {
  const root = base.replace(/\/+$/, '');
  return async (method, path, { query, body, headers, signal } = {}) => {
    const url = `${root}${target(path, query)}`;
    try {
      const response = await fetch(url, {
        method,
        redirect: 'error',
        headers: {
          accept: 'application/json, application/problem+json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        text: await response.text(),
      };
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw unreachable(root, error);
    }
  };
}

function unreachable(root: string, error: unknown): Failure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why =
    cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : String(cause);
  const { about, doThis } = faults.SERVER_UNREACHABLE;
  return new Failure({ code: 'SERVER_UNREACHABLE', detail: `${about}: ${root} (${why})`, doThis });
}

/** An answer below 400, or the problem it tells as a `Failure`. */
export async function ask(call: Call, ...request: Parameters<Call>): Promise<Answer> {
  const answer = await call(...request);
  if (answer.status < 400) return answer;
  throw new Failure(problemIn(answer));
}

/** The answer's JSON, believed to be of the form that this API documents. */
export const askJson = async <T>(call: Call, ...request: Parameters<Call>): Promise<T> =>
  JSON.parse((await ask(call, ...request)).text) as T;

/** The problem of an answer of 400 or above; what is no problem document is told by its status. */
export function problemIn({ status, text }: Answer): Problem {
  const said = members(text);
  const member = (name: string): string | undefined => {
    const value = said[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const near = Array.isArray(said.near) ? said.near.filter((urn) => typeof urn === 'string') : [];
  const [code, pointer, doThis] = [member('code'), member('pointer'), member('doThis')];
  return {
    status,
    code: code ?? 'INTERNAL',
    detail: member('detail') ?? member('title') ?? `the server answered ${status}`,
    ...(pointer === undefined ? {} : { pointer }),
    ...(doThis === undefined ? {} : { doThis }),
    ...(near.length === 0 ? {} : { lines: near.map((urn) => `did you mean ${urn}?`) }),
  };
}

function members(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
