import { PublishError } from './publish-error.ts';

export interface RegistryOptions {
  /** Root of Confluent's API; its path is kept. */
  readonly url: string;
  readonly login?: { readonly username: string; readonly password: string } | undefined;
}

const timeoutMs = 10_000;
const schemaType = 'application/vnd.schemaregistry.v1+json';

/**
 * The id of a schema under a subject, registered where it was not there (Confluent's API: POST /subjects/…/versions, which gives
 * the same id again). Rejects with a `PublishError`: `REGISTRY_UNAVAILABLE`, or `SCHEMA_INCOMPATIBLE` where the registry refuses.
 */
export async function registerSchema(
  { url, login }: RegistryOptions,
  subject: string,
  schema: string,
  signal: AbortSignal,
): Promise<number> {
  const place = url.replace(/\/+$/, '');
  const unavailable = (why: string, cause?: unknown): PublishError =>
    new PublishError('REGISTRY_UNAVAILABLE', { detail: `${place}: ${why}`, cause });
  let [status, text]: [number, string] = [0, ''];
  try {
    const answer = await fetch(`${place}/subjects/${encodeURIComponent(subject)}/versions`, {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': schemaType, accept: schemaType, ...authorization(login) },
      body: JSON.stringify({ schema }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    status = answer.status;
    text = await answer.text();
  } catch (error) {
    signal.throwIfAborted();
    throw unavailable(error instanceof Error ? error.message : String(error), error);
  }
  if (status === 409 || status === 422)
    throw new PublishError('SCHEMA_INCOMPATIBLE', { detail: `${place}: ${text.slice(0, 300)}`, status });
  const id = status === 200 ? idIn(text) : undefined;
  if (id === undefined) throw unavailable(`answered ${status}`);
  return id;
}

const authorization = (login: RegistryOptions['login']): Record<string, string> =>
  login === undefined
    ? {}
    : { authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` };

function idIn(text: string): number | undefined {
  try {
    const { id } = JSON.parse(text) as { id?: unknown };
    return Number.isSafeInteger(id) ? Number(id) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
