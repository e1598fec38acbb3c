import { catchError, defer, EMPTY, type Observable, throwError } from 'rxjs';
import type { Fault } from '../domain/fault.ts';
import type { Clock } from '../ports/clock.ts';

/** How long to wait after a fault: `leastMs`, and longer where who is busy asked for it (`retryAfterMs` among its facts). */
export function waitAfterMs({ facts }: Fault, leastMs: number): number {
  const asked = facts.retryAfterMs;
  return typeof asked === 'number' ? Math.max(leastMs, asked) : leastMs;
}

/** Emits once when that time is over; completes without a word when the signal aborts first. */
export const askedWait = (
  fault: Fault,
  {
    clock,
    leastMs,
    signal,
  }: { readonly clock: Clock; readonly leastMs: number; readonly signal: AbortSignal },
): Observable<void> =>
  defer(() => clock.wait(waitAfterMs(fault, leastMs), signal)).pipe(
    catchError((error: unknown) => (signal.aborted ? EMPTY : throwError(() => error))),
  );
