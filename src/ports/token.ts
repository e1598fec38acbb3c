/** A bearer token, and when it ends: UTC milliseconds, undefined where it does not tell. */
export interface Token {
  readonly value: string;
  readonly endsAt: number | undefined;
}

/**
 * Gives a token that is valid now, a new one once the old is about to end; asked whenever a connection needs one, so what
 * lasts may be remembered here. Rejects with `TOKEN_UNAVAILABLE`; no fault holds a token.
 */
export type TokenSource = () => Promise<Token>;
