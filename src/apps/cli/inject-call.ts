import type { Api } from '../api/request.ts';
import { type Call, target } from './call.ts';

/** Calls an API of this process without a port. `signal` ends calls that bring none of their own. */
export const injectCall =
  (api: Pick<Api, 'inject'>, signal: AbortSignal): Call =>
  async (method, path, { query, body, headers, signal: asked } = {}) => {
    const answer = api.inject({
      method,
      url: target(path, query),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : Buffer.from(body) }),
    });
    const { statusCode, headers: told, body: text } = await orAborted(answer, asked ?? signal);
    return {
      status: statusCode,
      headers: Object.fromEntries(Object.entries(told).map(([name, value]) => [name, String(value)])),
      text,
    };
  };

async function orAborted<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
