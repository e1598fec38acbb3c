import { describe, expect, test } from 'vitest';
import { isFault } from '../../src/domain/fault.ts';
import type { TokenSource } from '../../src/ports/token.ts';

/** A source of tokens, and what somebody else does who issues them. */
export interface TokensUnderTest extends AsyncDisposable {
  readonly tokens: TokenSource;
  /** From now on this is the valid one; it ends then, UTC milliseconds in whole seconds. */
  issue(token: string, endsAt: number): Promise<void>;
  /** Nobody issues any. */
  fail(): Promise<void>;
}

/** A JWT that nobody signed. */
export const jwt = (claims: object): string =>
  `${[{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;

/** The laws of the token port. */
export function tokenSourceContract(name: string, open: () => Promise<TokensUnderTest>): void {
  describe(`tokens: ${name}`, () => {
    const soon = (seconds: number): number => (Math.floor(Date.now() / 1_000) + seconds) * 1_000;
    const tokenUntil = (endsAt: number, who: string): string => jwt({ sub: who, exp: endsAt / 1_000 });

    test('the valid token is given, with its end', async () => {
      await using under = await open();
      const endsAt = soon(3_600);
      await under.issue(tokenUntil(endsAt, 'a'), endsAt);
      expect(await under.tokens()).toEqual({ value: tokenUntil(endsAt, 'a'), endsAt });
    });

    test('one that is about to end is not given again where there is a newer one', async () => {
      await using under = await open();
      const [first, second] = [soon(2), soon(7_200)];
      await under.issue(tokenUntil(first, 'a'), first);
      await under.tokens();
      await under.issue(tokenUntil(second, 'b'), second);
      expect(await under.tokens()).toEqual({ value: tokenUntil(second, 'b'), endsAt: second });
    });

    test('where none can be had a fault says so, and holds none', async () => {
      await using under = await open();
      const endsAt = soon(2);
      const token = tokenUntil(endsAt, 'a');
      await under.issue(token, endsAt);
      await under.tokens();
      await under.fail();
      const fault: unknown = await under.tokens().catch((error: unknown) => error);
      expect(isFault(fault, 'TOKEN_UNAVAILABLE') && fault.remedy).toBe('retry');
      expect(String(fault) + JSON.stringify(fault)).not.toContain(token);
      const later = soon(3_600);
      await under.issue(tokenUntil(later, 'c'), later);
      expect((await under.tokens()).value).toBe(tokenUntil(later, 'c'));
    });
  });
}
