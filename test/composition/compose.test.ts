import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Container } from 'inversify';
import { expect, test } from 'vitest';
import { modulesFor, openPorts } from '../../src/composition/compose.ts';
import type { PortSettings } from '../../src/composition/settings.ts';
import { tokens } from '../../src/composition/tokens.ts';

const away = '127.0.0.1:9';

const embedded = (dir: string): PortSettings => ({
  log: { kind: 'file', dir: join(dir, 'log') },
  archive: { kind: 'folder', dir },
  registry: { kind: 'embedded', dir: join(dir, 'registry') },
  readModel: { kind: 'sqlite', dir: join(dir, 'read') },
});

const full: PortSettings = {
  log: { kind: 'kafka', brokers: [away], retentionMs: 60_000 },
  archive: { kind: 'azure-blob', accountUrl: `http://${away}/account`, prefix: 'annal' },
  registry: { kind: 'confluent', url: `http://${away}` },
  readModel: { kind: 'elasticsearch', url: `http://${away}`, prefix: 'annal' },
};

async function inFolder<Result>(work: (dir: string) => Promise<Result>): Promise<Result> {
  const dir = await mkdtemp(join(tmpdir(), 'annal-compose-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

test.each([
  'embedded',
  'full',
] as const)('every binding of the %s profile resolves, once', async (profile) => {
  await inFolder(async (dir) => {
    const container = new Container();
    container.load(...(await modulesFor(profile === 'full' ? full : embedded(dir), () => undefined)));
    const ports = Object.values(tokens).map((token) => {
      const port = container.get<object>(token);
      expect(container.get<object>(token), String(token)).toBe(port);
      return port;
    });
    for (const port of ports)
      if (Symbol.asyncDispose in port) await (port as AsyncDisposable)[Symbol.asyncDispose]();
    expect(ports).toHaveLength(Object.keys(tokens).length);
  });
});

test.each(['log', 'archive', 'registry', 'readModel'] as const)('%s is switched alone', async (port) => {
  await inFolder(async (dir) => {
    const settings = { ...embedded(dir), [port]: full[port] };
    await using ports = await openPorts(settings, () => undefined);
    await using own = await openPorts(embedded(join(dir, 'other')), () => undefined);
    const shapes = (all: typeof ports): string[] =>
      [all.archive, all.registry, all.readModel].map(({ place }) =>
        place.replace(dir, '').replace('/other', ''),
      );
    const differing = shapes(ports).filter((place, at) => place !== shapes(own)[at]);
    expect(differing).toHaveLength(port === 'log' ? 0 : 1);
  });
});

test('nothing is connected before it is used: servers that are away keep nobody from opening', async () => {
  await using ports = await openPorts(full, () => undefined);
  await expect(ports.archive.truth.read('epochs/1.json')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  await expect(ports.readModel.list()).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  await expect(ports.registry.lookup(1)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
  await expect(ports.logHost.partitions('annal.e1')).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
});
