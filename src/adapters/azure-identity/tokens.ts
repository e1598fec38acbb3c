import type { TokenCredential } from '@azure/identity';
import { Fault } from '../../domain/fault.ts';
import type { TokenSource } from '../../ports/token.ts';

/**
 * Tokens for `scope` by the identity that Azure gives this process: workload identity, managed identity, what a developer is
 * logged in as. The library is loaded by the first call; it remembers tokens and renews them in time.
 */
export function azureTokens(scope: string): TokenSource {
  let credential: Promise<TokenCredential> | undefined;
  const load = async (): Promise<TokenCredential> => {
    const { DefaultAzureCredential } = await import('@azure/identity');
    return new DefaultAzureCredential();
  };
  return async () => {
    try {
      credential ??= load();
      const found = await (await credential).getToken(scope);
      if (found === null) throw new Error('no token was given');
      return { value: found.token, endsAt: found.expiresOnTimestamp };
    } catch (error) {
      const reason = error instanceof Error ? shortened(error.message) : String(error);
      throw new Fault('TOKEN_UNAVAILABLE', { scope, reason }, error);
    }
  };
}

/** The library's message has a line, or a page, for each way it tried. */
const shortened = (message: string): string => message.replace(/\s+/g, ' ').slice(0, 400);
