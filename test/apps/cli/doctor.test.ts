import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { cli } from '../../given/cli.ts';
import { startCli } from '../../given/cli-server.ts';

interface Check {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly doThis?: string;
}

let dir: string;
const servers: Server[] = [];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'annal-doctor-'));
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A server somebody else runs; its clock is so far ahead. */
async function foreign(body: string, aheadMs = 0): Promise<number> {
  const server = createServer((_request, response) => {
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
    response.setHeader('content-type', 'application/json').end(body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function doctor(env: Record<string, string>): Promise<{ code: number; checks: readonly Check[] }> {
  const { code, stdout } = await cli(['doctor', '--data', join(dir, 'data'), '-o', 'json'], { env });
  return { code, checks: (JSON.parse(stdout) as { items: readonly Check[] }).items };
}

const failed = (checks: readonly Check[]) => checks.filter(({ status }) => status === 'fail');

test('a machine as it should be, and a server that runs on it', async () => {
  const before = await doctor({ ANNAL_PORT: '0' });
  expect(before.code).toBe(0);
  expect(before.checks.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['Node', 'configuration', 'data folder', 'disk', 'port', 'schemas']),
  );
  await using server = await startCli(['start', '--no-sample', '--port', '0', '--data', join(dir, 'data')]);
  const { code, checks } = await doctor({ ANNAL_PORT: '0' });
  expect(code).toBe(0);
  expect(checks.find(({ check }) => check === 'data folder')?.detail).toContain(server.address);
  expect(checks.find(({ check }) => check === 'server')).toMatchObject({ status: 'ok' });
});

test('every fault of the configuration is a check that failed', async () => {
  const { code, checks } = await doctor({ ANNAL_PROT: '1', ANNAL_PARTITIONS: '0', ANNAL_BIND: '0.0.0.0' });
  expect(code).toBe(1);
  expect(failed(checks).map(({ detail }) => detail.split(' ')[0])).toEqual([
    'ANNAL_PROT',
    'ANNAL_PARTITIONS',
    'ANNAL_BIND',
  ]);
});

test('a taken port, own schemas that cannot be used, servers that are away', async () => {
  const taken = await foreign('{}');
  expect(failed((await doctor({ ANNAL_PORT: String(taken) })).checks)).toMatchObject([{ check: 'port' }]);

  const schemas = join(dir, 'schemas');
  mkdirSync(join(schemas, 'aspects', 'mine'), { recursive: true });
  writeFileSync(join(schemas, 'aspects', 'mine', '1.json'), '{');
  const broken = failed((await doctor({ ANNAL_PORT: '0', ANNAL_SCHEMAS_DIR: schemas })).checks);
  expect(broken).toMatchObject([
    { check: 'schemas', detail: expect.stringContaining('SCHEMA_FILE_INVALID') },
  ]);

  const nobody = await foreign('{}');
  await new Promise((resolve) => servers.pop()!.close(resolve));
  const away = await doctor({
    ANNAL_PORT: '0',
    ANNAL_KAFKA_BROKERS: `127.0.0.1:${nobody}`,
    ANNAL_SCHEMA_REGISTRY_URL: `http://127.0.0.1:${nobody}`,
    ANNAL_ELASTICSEARCH_URL: `http://127.0.0.1:${nobody}`,
    ANNAL_BLOB_CONNECTION_STRING: `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:${nobody}/a;`,
  });
  expect(away.code).toBe(1);
  expect(failed(away.checks).map(({ check }) => check)).toEqual([
    'Kafka',
    'schema registry',
    'Azure Blob',
    'Elasticsearch',
  ]);
  expect(JSON.stringify(away)).not.toContain('a2V5');
});

test('a clock that goes ahead is seen', async () => {
  const port = await foreign('{"version":"9"}', 60_000);
  const { checks } = await doctor({ ANNAL_PORT: '0', ANNAL_SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` });
  expect(checks.filter(({ check }) => check.startsWith('schema registry'))).toMatchObject([
    { status: 'ok', detail: expect.stringContaining('version 9') },
    { status: 'warn', detail: expect.stringContaining('ahead') },
  ]);
});
