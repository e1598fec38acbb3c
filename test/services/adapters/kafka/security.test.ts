import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { kafkaLogHost } from '../../../../src/adapters/kafka/log-host.ts';
import { readConfig } from '../../../../src/apps/config.ts';
import { portSettings } from '../../../../src/apps/open-annal.ts';
import { openPorts } from '../../../../src/composition/compose.ts';
import type { LogHost } from '../../../../src/ports/event-log.ts';
import { annal, startAnnal } from '../../scenarios/annal-process.ts';
import { tableEvents } from '../../scenarios/events.ts';
import { codeOf, kafkaSettings, newTopic, noticing, readerOfAll, take, textsOf, valued } from './given.ts';
import { connectionString, type SecuredBroker, securedBroker, tokenOf, user } from './secured-broker.ts';
import { tcpProxy } from './tcp-proxy.ts';

let broker: SecuredBroker;
beforeAll(async () => {
  broker = await securedBroker();
});
afterAll(() => broker?.[Symbol.asyncDispose]());

const asAnn = { ANNAL_KAFKA_SASL: 'plain', ANNAL_KAFKA_USERNAME: user.username };

/** The log host as a process gets it from this configuration. */
async function configured(env: Readonly<Record<string, string>>): Promise<LogHost> {
  const settings = portSettings(readConfig({ ANNAL_DATA: join(broker.dir, 'data'), ...env }));
  const ports = await openPorts(settings, () => undefined);
  onTestFinished(() => ports[Symbol.asyncDispose]());
  return ports.logHost;
}

async function held(name: string, content: string): Promise<string> {
  const file = join(broker.dir, name);
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
  return file;
}

/** Makes a topic, appends, joins a group, reads: every kind of connection there is. */
async function works(env: Readonly<Record<string, string>>): Promise<void> {
  const host = await configured(env);
  const topic = newTopic(1);
  expect(await host.create(topic)).toBe('created');
  await using log = await host.open(topic);
  await log.append(0, [valued('a'), valued('b')]);
  await using reader = await readerOfAll(log, 'readers');
  expect(textsOf(await take(reader.lane(0, 0), 2))).toEqual(['a', 'b']);
}

const reasonFor = async (env: Readonly<Record<string, string>>): Promise<string> => {
  const host = await configured(env);
  const fault: unknown = await host.partitions('any').catch((error: unknown) => error);
  expect(fault).toMatchObject({ code: 'LOG_UNAVAILABLE' });
  return String(fault);
};

test('who asks without a name is not let in', async () => {
  const host = await configured({ ANNAL_KAFKA_BROKERS: broker.plain });
  expect(await codeOf(host.partitions('any'))).toBe('LOG_UNAVAILABLE');
});

test('SASL PLAIN in clear: a password as it is and in a file; a wrong one is told as refused', async () => {
  const env = { ANNAL_KAFKA_BROKERS: broker.plain, ...asAnn };
  await works({ ...env, ANNAL_KAFKA_PASSWORD: user.password });
  await works({ ...env, ANNAL_KAFKA_PASSWORD_FILE: await held('password', `${user.password}\n`) });
  const reason = await reasonFor({ ...env, ANNAL_KAFKA_PASSWORD: 'a-wrong-one' });
  expect(reason).toContain('Invalid username or password');
  expect(reason).not.toContain('a-wrong-one');
});

test.each([
  'scram-sha-256',
  'scram-sha-512',
])('SASL %s: every kind of connection logs in; a wrong password, and one for another mechanism, are told as refused', async (mechanism) => {
  const env = { ANNAL_KAFKA_BROKERS: broker.scram, ...asAnn, ANNAL_KAFKA_SASL: mechanism };
  await works({ ...env, ANNAL_KAFKA_PASSWORD: user.password });
  const reason = await reasonFor({ ...env, ANNAL_KAFKA_PASSWORD: 'a-wrong-one' });
  expect(reason).toMatch(/[Aa]uthentication failed/);
  expect(reason).not.toContain('a-wrong-one');
  const plain = { ...env, ANNAL_KAFKA_SASL: 'plain', ANNAL_KAFKA_PASSWORD: user.password };
  expect(await reasonFor(plain)).toMatch(/mechanism/i);
});

test('a password that changes in its file opens the next connection', async () => {
  const file = await held('changing', 'not-this-one');
  const env = { ANNAL_KAFKA_BROKERS: broker.plain, ...asAnn, ANNAL_KAFKA_PASSWORD_FILE: file };
  const host = await configured(env);
  expect(await codeOf(host.partitions('any'))).toBe('LOG_UNAVAILABLE');
  await held('changing', user.password);
  expect(await codeOf(host.partitions('any'))).toBe('TOPIC_MISSING');
});

test('TLS of a private authority with a connection string of Event Hubs, as it is and in a file', async () => {
  const env = { ANNAL_KAFKA_BROKERS: broker.plainOverTls, ANNAL_KAFKA_CA_FILE: broker.caFile };
  await works({ ...env, ANNAL_KAFKA_CONNECTION_STRING: connectionString });
  await works({
    ...env,
    ANNAL_KAFKA_CONNECTION_STRING_FILE: await held('connection', `${connectionString}\n`),
  });
});

test('a broker that nobody vouches for is not spoken to', async () => {
  const env = { ANNAL_KAFKA_BROKERS: broker.plainOverTls, ...asAnn, ANNAL_KAFKA_PASSWORD: user.password };
  expect(await reasonFor({ ...env, ANNAL_KAFKA_TLS: 'on' })).toMatch(/certificate/);
});

test('OAUTHBEARER with a token in a file, in clear and over TLS; one that has ended is refused, a new one is taken', async () => {
  const file = await held('token', tokenOf(600_000));
  const env = { ANNAL_KAFKA_SASL: 'oauthbearer', ANNAL_KAFKA_TOKEN_FILE: file };
  await works({ ...env, ANNAL_KAFKA_BROKERS: broker.bearer });
  const overTls = {
    ...env,
    ANNAL_KAFKA_BROKERS: broker.bearerOverTls,
    ANNAL_KAFKA_CA_FILE: broker.caFile,
  };
  await works(overTls);
  const host = await configured(overTls);
  await held('token', tokenOf(-60_000));
  expect(await codeOf(host.partitions('any'))).toBe('LOG_UNAVAILABLE');
  await held('token', tokenOf(600_000));
  expect(await codeOf(host.partitions('any'))).toBe('TOPIC_MISSING');
  await rm(file);
  expect(await codeOf(host.partitions('any'))).toBe('TOKEN_UNAVAILABLE');
});

test('no connection outlives its token: appends and lanes go on over new ones, and nothing is lost or doubled', async () => {
  const [host, port] = broker.bearer.split(':') as [string, string];
  await using proxy = await tcpProxy(host, Number(port));
  const token = async () => ({ value: tokenOf(3_000), endsAt: Date.now() + 3_000 });
  const near = { host: '127.0.0.1', port: proxy.port };
  await using logs = kafkaLogHost(
    kafkaSettings({
      ...{ brokers: [broker.bearer], reach: () => near },
      sasl: { mechanism: 'oauthbearer', token },
    }),
  );
  const topic = newTopic(1);
  await logs.create(topic);
  await using log = await logs.open(topic);
  await using reader = await log.reader(null);
  const lane = reader.lane(0, 0);
  const before = proxy.made;
  const [sent, got]: [string[], string[]] = [[], []];
  const until = Date.now() + 7_000;
  while (Date.now() < until) {
    const value = `value ${sent.length}`;
    expect(await log.append(0, [valued(value)])).toMatchObject({ first: sent.length });
    sent.push(value);
    got.push(...textsOf(await take(lane, 1)));
  }
  expect(got).toEqual(sent);
  // One for appends and one for the lane, in each of three lives at least.
  expect(proxy.made - before).toBeGreaterThanOrEqual(4);
});

test('a member of a group logs in again over the connection it has, before its token ends', async () => {
  let asked = 0;
  const token = async () => {
    asked += 1;
    return { value: tokenOf(15_000), endsAt: Date.now() + 15_000 };
  };
  const { settings, notices } = noticing({
    brokers: [broker.bearer],
    sasl: { mechanism: 'oauthbearer', token },
    sessionTimeoutMs: 6_000,
  });
  await using logs = kafkaLogHost(settings);
  const topic = newTopic(1);
  await logs.create(topic);
  await using log = await logs.open(topic);
  await using reader = await readerOfAll(log, 'members');
  const before = asked;
  await expect.poll(() => asked, { timeout: 12_000 }).toBeGreaterThan(before);
  await log.append(0, [valued('a')]);
  expect(textsOf(await take(reader.lane(0, 0), 1))).toEqual(['a']);
  expect(notices.map(({ what }) => what)).toEqual(['group joined']);
});

test('no secret is in what a process writes, answers or explains, whatever its level; let in or not', async () => {
  const secrets = [user.password, connectionString, 'bmV2ZXItdG8tYmUtc2Vlbg==', 'a-wrong-password'];
  const said: string[] = [];
  const common = { ANNAL_DATA: join(broker.dir, 'told'), ANNAL_PORT: '0', ANNAL_LOG_LEVEL: 'trace' };
  const hub = {
    ...common,
    ANNAL_KAFKA_BROKERS: broker.plainOverTls,
    ANNAL_KAFKA_CA_FILE: broker.caFile,
    ANNAL_KAFKA_CONNECTION_STRING: connectionString,
  };
  const wrong = {
    ...common,
    ANNAL_KAFKA_BROKERS: broker.plain,
    ...asAnn,
    ANNAL_KAFKA_PASSWORD: 'a-wrong-password',
  };
  await using server = await startAnnal(['start', '--no-sample'], hub);
  expect((await server.call('POST', '/v1/events', tableEvents(3))).body).toMatchObject({ appended: 3 });
  for (const path of ['/readyz', '/v1/projections'])
    said.push(JSON.stringify((await server.call('GET', path)).body));
  said.push(await (await fetch(`${server.address}/metrics`)).text());
  const ended = await server.stop();
  expect(ended.code).toBe(0);
  said.push(ended.stdout, ended.stderr);
  for (const env of [hub, wrong, { ...hub, ANNAL_KAFKA_SASL: 'oauthbearer' }])
    for (const command of [
      ['config', 'explain'],
      ['config', 'explain', '--output', 'json'],
      ['doctor'],
      ['init'],
    ]) {
      const { stdout, stderr } = await annal(command, env);
      said.push(stdout, stderr);
    }
  expect(said.join('\n')).toContain('(set, not shown)');
  for (const secret of secrets) expect(said.join('\n')).not.toContain(secret);
});
