import { hash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { parseTokens } from '../../../src/apps/api/tokens.ts';
import { servedAnnal } from '../../given/api.ts';
import { pythonWithSdk } from '../datahub/sdk.ts';
import { runToEnd } from '../native/commands.ts';

const script = new URL('../datahub/serialise.py', import.meta.url).pathname;

test('serialisers of Python write and read by the registry that the embedded profile serves, under its policy', async () => {
  const grants = [{ actions: ['read', 'publish'], namespace: 'shop' }];
  const tokens = parseTokens(
    JSON.stringify([{ name: 'shop', sha256: hash('sha256', 'secret'), grants }]),
    'tokens.json',
  );
  await using served = await servedAnnal({ tokens });
  await served.api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = served.api.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const python = await pythonWithSdk();
  const told = JSON.parse(await runToEnd(python, [script, url, 'secret', 'shop.orders'], { waitMs: 60_000 }));
  const id = (value: string): number => Number.parseInt(value.slice(2, 10), 16);
  expect(told).toMatchObject({
    same: true,
    refused: { status: 409, code: 409, message: expect.stringContaining('/total added without a default') },
    read: [{ id: 'a' }, { id: 'b', note: 'n' }],
    resolved: { id: 'a', note: null },
    latest: { id: id(told.second), version: 2 },
    versions: [1, 2],
    compatible: true,
    subjects: ['shop.orders-value'],
  });
  expect(await served.annal.ports.registry.lookup(id(told.first))).toContain('"Order"');
  const elsewhere = runToEnd(python, [script, url, 'secret', 'billing.invoices'], { waitMs: 60_000 });
  await expect(elsewhere).rejects.toThrow(/NOT_ALLOWED/);
});
