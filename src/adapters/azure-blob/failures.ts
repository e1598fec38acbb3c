import { Fault } from '../../domain/fault.ts';

const memberOf = (error: unknown, member: string): unknown =>
  typeof error === 'object' && error !== null && member in error ? Reflect.get(error, member) : undefined;

/** HTTP status of an answer; undefined where none came. */
export function statusOf(error: unknown): number | undefined {
  const status = memberOf(error, 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

/** The service's word for what went wrong (`BlobAlreadyExists`), or the system's (`ECONNREFUSED`). */
export function codeOf(error: unknown): string | undefined {
  const code = memberOf(error, 'code');
  return typeof code === 'string' ? code : undefined;
}

/** No service keeps anybody waiting for longer, whatever it says. */
const retryAfterMaxMs = 60_000;

/** How long a service that is busy asks not to be asked (`Retry-After`, in seconds). */
function retryAfterMsOf(error: unknown): number | undefined {
  const get = memberOf(memberOf(memberOf(error, 'response'), 'headers'), 'get');
  if (typeof get !== 'function') return undefined;
  const told: unknown = Reflect.apply(get, memberOf(memberOf(error, 'response'), 'headers'), ['retry-after']);
  if (typeof told !== 'string' || !/^[0-9]{1,9}$/.test(told)) return undefined;
  return Math.min(Number(told) * 1_000, retryAfterMaxMs);
}

/**
 * STORE_UNAVAILABLE with what the service told, `retryAfterMs` too where it said so. The error itself is not kept: it holds
 * the request, and that may hold a signature.
 */
export function unavailable(blob: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const status = statusOf(error);
  const code = codeOf(error);
  const unknown = status === undefined && code === undefined;
  const reason = unknown ? String(error) : undefined;
  return new Fault('STORE_UNAVAILABLE', { blob, status, code, reason, retryAfterMs: retryAfterMsOf(error) });
}

/** Runs `work`; every failure becomes STORE_UNAVAILABLE. */
export async function onStore<T>(blob: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unavailable(blob, error);
  }
}

/** The blob itself is missing; a missing container is a failure. */
export const isMissing = (error: unknown): boolean =>
  statusOf(error) === 404 && codeOf(error) === 'BlobNotFound';

/**
 * A create-only write met a blob. Under a retention lock the service may say that it is immutable: then it is
 * there too.
 */
export const isThere = (error: unknown): boolean =>
  (statusOf(error) === 409 &&
    ['BlobAlreadyExists', 'BlobImmutableDueToPolicy'].includes(codeOf(error) ?? '')) ||
  (statusOf(error) === 412 && codeOf(error) === 'ConditionNotMet');

/** A conditional write met another content, or none. */
export const isChanged = (error: unknown): boolean =>
  isMissing(error) ||
  (statusOf(error) === 409 && codeOf(error) === 'BlobAlreadyExists') ||
  (statusOf(error) === 412 && ['ConditionNotMet', 'TargetConditionNotMet'].includes(codeOf(error) ?? ''));
