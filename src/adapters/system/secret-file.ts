import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Fault } from '../../domain/fault.ts';
import type { TokenSource } from '../../ports/token.ts';

/** What a file holds now, without white space around it. Throws what the file system says, which is no secret. */
export const secretIn = (file: string): string => readFileSync(file, 'utf8').trim();

/** Tokens that somebody keeps in a file: read again each time. A JWT tells itself when it ends. */
export function tokensIn(file: string): TokenSource {
  return async () => {
    try {
      const value = (await readFile(file, 'utf8')).trim();
      if (value === '') throw new Error('it is empty');
      return { value, endsAt: endOf(value) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Fault('TOKEN_UNAVAILABLE', { file, reason }, error);
    }
  };
}

/** The claim `exp` of a JWT (RFC 7519), in UTC milliseconds; its signature is for the server to look at. */
function endOf(token: string): number | undefined {
  const claims = token.split('.')[1];
  if (claims === undefined) return undefined;
  try {
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    return undefined; // No JWT: opaque tokens have dots as well.
  }
}
