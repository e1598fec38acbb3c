import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../../src/apps/config.ts';
import { portSettings } from '../../../src/apps/open-annal.ts';
import { openPorts, type Ports } from '../../../src/composition/compose.ts';
import { addresses } from '../addresses.ts';
import { certificates, storePassword } from '../private-authority.ts';
import { annal } from '../scenarios/annal-process.ts';
import { newName } from '../scenarios/own-profile.ts';

const stack = new AsyncDisposableStack();
let dir: string;
let caFile: string;
let keystore: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-access-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  ({ caFile, keystore } = await certificates(dir));
});
afterAll(() => stack.disposeAsync());

/** A server behind TLS of a private authority that lets in who sends this header; its URL ends like the one behind. */
async function guarded(url: string, authorization: string): Promise<string> {
  const pfx = await readFile(keystore);
  const server = createServer({ pfx, passphrase: storePassword }, (asked, answer) => {
    if (asked.headers.authorization !== authorization) {
      answer.writeHead(401).end('{}');
      return;
    }
    const { method, headers } = asked;
    const own = request(new URL(asked.url!, url), { method, headers }, (given) => {
      answer.writeHead(given.statusCode!, given.headers);
      given.pipe(answer);
    });
    own.on('error', () => answer.destroy());
    asked.pipe(own);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void server.close().closeAllConnections());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(url).pathname.replace(/\/$/, '')}`;
}

const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;

async function portsFor(env: Readonly<Record<string, string>>): Promise<Ports> {
  return stack.use(
    await openPorts(portSettings(readConfig({ ANNAL_DATA: join(dir, 'data'), ...env })), () => undefined),
  );
}

async function doctorSays(env: Readonly<Record<string, string>>, check: string): Promise<string> {
  const { stdout } = await annal(['doctor', '-o', 'json'], { ANNAL_DATA: join(dir, 'data'), ...env });
  const { items } = JSON.parse(stdout) as {
    items: readonly { check: string; status: string; detail: string }[];
  };
  const found = items.find((item) => item.check === check);
  return `${found?.status} ${found?.detail}`;
}

test('the schema registry: basic authentication and a private authority; without one of them nothing is told', async () => {
  const url = await guarded(addresses().schemaRegistryUrl, basic('reg:istry-pass'));
  const env = { ANNAL_SCHEMA_REGISTRY_URL: url };
  const login = { ANNAL_SCHEMA_REGISTRY_USERNAME: 'reg', ANNAL_SCHEMA_REGISTRY_PASSWORD: 'istry-pass' };
  const full = { ...env, ...login, ANNAL_SCHEMA_REGISTRY_CA_FILE: caFile };
  const { registry } = await portsFor(full);
  const schema = JSON.stringify({ type: 'record', name: 'A', fields: [] });
  const { id } = await registry.register(`${newName()}-value`, schema);
  expect(await registry.lookup(id)).toContain('"A"');
  for (const less of [
    { ...env, ...login },
    { ...env, ANNAL_SCHEMA_REGISTRY_CA_FILE: caFile },
    { ...full, ANNAL_SCHEMA_REGISTRY_PASSWORD: 'another-pass' },
  ])
    await expect((await portsFor(less)).registry.latest('any')).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.not.stringContaining('-pass'),
    });
  expect(await doctorSays(full, 'schema registry')).toMatch(/^ok/);
});

test('Elasticsearch: an API key or basic authentication, and a private authority', async () => {
  const { elasticsearchUrl } = addresses();
  const passwordFile = join(dir, 'password');
  await writeFile(passwordFile, 'elastic-pass\n');
  const env = { ANNAL_ELASTICSEARCH_PREFIX: newName(), ANNAL_ELASTICSEARCH_CA_FILE: caFile };
  const withKey = {
    ...env,
    ANNAL_ELASTICSEARCH_URL: await guarded(elasticsearchUrl, 'ApiKey a2V5LW9mLWVz'),
    ANNAL_ELASTICSEARCH_API_KEY: 'a2V5LW9mLWVz',
  };
  const withPassword = {
    ...env,
    ANNAL_ELASTICSEARCH_URL: await guarded(elasticsearchUrl, basic('elastic:elastic-pass')),
    ANNAL_ELASTICSEARCH_USERNAME: 'elastic',
    ANNAL_ELASTICSEARCH_PASSWORD_FILE: passwordFile,
  };
  for (const full of [withKey, withPassword]) {
    expect(await (await portsFor(full)).readModel.list()).toEqual([]);
    expect(await doctorSays(full, 'Elasticsearch')).toMatch(/^ok/);
  }
  for (const less of [
    { ...env, ANNAL_ELASTICSEARCH_URL: withKey.ANNAL_ELASTICSEARCH_URL },
    { ...withKey, ANNAL_ELASTICSEARCH_CA_FILE: '' },
    { ...withKey, ANNAL_ELASTICSEARCH_API_KEY: 'another-pass' },
  ])
    await expect((await portsFor(less)).readModel.list()).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: expect.not.stringContaining('-pass'),
    });
});
