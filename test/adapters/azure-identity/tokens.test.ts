import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, vi } from 'vitest';
import { azureTokens } from '../../../src/adapters/azure-identity/tokens.ts';
import { tokenSourceContract } from '../../contracts/token-source.contract.ts';

/** Tokens by resource: Azure's library remembers them for the whole process. */
const issued = new Map<string, { readonly token: string; readonly endsAt: number }>();

/** The endpoint at which App Service gives a process the tokens of its managed identity. */
const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://identity');
  const resource = searchParams.get('resource') ?? '';
  const found = request.headers['x-identity-header'] === 'header' ? issued.get(resource) : undefined;
  response.setHeader('content-type', 'application/json');
  if (found === undefined) {
    response.writeHead(400).end('{"statusCode": 400, "message": "nobody here"}');
    return;
  }
  const { token, endsAt } = found;
  const told = { access_token: token, expires_on: String(endsAt / 1_000), resource, token_type: 'Bearer' };
  response.end(JSON.stringify(told));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`);
  vi.stubEnv('IDENTITY_HEADER', 'header');
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'ManagedIdentityCredential');
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

let opened = 0;

tokenSourceContract('Azure', async () => {
  opened += 1;
  const resource = `https://namespace-${opened}.servicebus.windows.net`;
  return {
    tokens: azureTokens(`${resource}/.default`),
    issue: async (token, endsAt) => void issued.set(resource, { token, endsAt }),
    fail: async () => void issued.delete(resource),
    [Symbol.asyncDispose]: async () => void issued.clear(),
  };
});
