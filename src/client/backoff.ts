export interface Backoff {
  /** Bound of the first pause. */
  readonly firstMs: number;
  readonly mostMs: number;
}

export const backoffDefault: Backoff = { firstMs: 200, mostMs: 30_000 };

/** Nobody is believed who asks for more. */
const askedMaxMs = 300_000;

/**
 * How long to wait before try number `tries` + 1: anything up to a bound that doubles, so that many who failed together do not
 * come back together ("full jitter": M. Brooker, "Exponential Backoff And Jitter", 2015); never less than was asked for.
 * `random` is in [0, 1).
 */
export function pauseMs(
  tries: number,
  { firstMs, mostMs }: Backoff,
  askedMs: number | undefined,
  random: number,
): number {
  const bound = Math.min(mostMs, firstMs * 2 ** Math.min(tries - 1, 30));
  const asked = Math.min(askedMs ?? 0, askedMaxMs);
  return Math.round(asked + random * bound);
}

/** Milliseconds of a Retry-After header (RFC 9110 10.2.3: seconds, or a date); undefined where it is neither. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1_000;
  const date = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
