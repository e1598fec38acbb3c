import { Fault } from '../../domain/fault.ts';

/** Name of the broker's error code behind `error` (`UNKNOWN_TOPIC_OR_PARTITION`), however deep kafkajs wrapped it. */
export function errorType(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('type' in at && typeof at.type === 'string') return at.type;
    if ('errors' in at && Array.isArray(at.errors)) return errorType(at.errors[0]);
  }
  return undefined;
}

/** What went wrong, in words for people: never holds credentials or values of records. */
export const reasonOf = (error: unknown): string =>
  errorType(error) ?? (error instanceof Error ? error.message : String(error));

/** A fault of ours stands behind what kafkajs made of it: a token that could not be had. */
export function unavailable(facts: Readonly<Record<string, unknown>>, error: unknown): Fault {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof Fault) return at;
  return new Fault('LOG_UNAVAILABLE', { ...facts, reason: reasonOf(error) }, error);
}

/** Rejects with the reason of the first of `signals` that aborts before `work` has settled. */
export function unlessAborted<T>(work: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const stops = signals.map((signal) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      return () => signal.removeEventListener('abort', stop);
    });
    work.then(resolve, reject).finally(() => {
      for (const stop of stops) stop();
    });
    for (const signal of signals) if (signal.aborted) reject(signal.reason);
  });
}
