import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Container } from 'inversify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modulesFor, openPorts } from '../../src/composition/compose.ts';
import type { PortSettings } from '../../src/composition/settings.ts';
import { tokens } from '../../src/composition/tokens.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-compose-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

type Choices = {
  readonly [Port in keyof PortSettings]: readonly [() => PortSettings[Port], () => PortSettings[Port]];
};

/** Nobody answers at this address: whoever connects before it is asked to would fail. */
const nowhere = 'http://127.0.0.1:1';

/** Of each port the embedded adapter, then the one for servers. */
const choices: Choices = {
  log: [
    () => ({ kind: 'file', dir: join(dir, 'log') }),
    () => ({ kind: 'kafka', brokers: ['127.0.0.1:1'], retentionMs: 1 }),
  ],
  archive: [
    () => ({ kind: 'folder', dir }),
    () => ({ kind: 'azure-blob', accountUrl: `${nowhere}/account`, prefix: 'annal' }),
  ],
  registry: [
    () => ({ kind: 'embedded', dir: join(dir, 'registry') }),
    () => ({ kind: 'confluent', url: nowhere }),
  ],
  readModel: [
    () => ({ kind: 'sqlite', dir: join(dir, 'read') }),
    () => ({ kind: 'elasticsearch', url: nowhere, prefix: 'annal' }),
  ],
};

/** Every combination: each port is switched alone. */
const combinations = Array.from({ length: 16 }, (_, bits) => [0, 1, 2, 3].map((at) => (bits >> at) & 1));

const settingsOf = ([log, archive, registry, readModel]: readonly number[]): PortSettings => ({
  log: choices.log[log!]!(),
  archive: choices.archive[archive!]!(),
  registry: choices.registry[registry!]!(),
  readModel: choices.readModel[readModel!]!(),
});

describe('composition', () => {
  test.each(
    combinations,
  )('resolves every port, without a connection: log %i archive %i registry %i read model %i', async (...bits) => {
    await using ports = await openPorts(settingsOf(bits), () => undefined);
    expect(Object.keys(ports).sort()).toEqual(['archive', 'clock', 'logHost', 'readModel', 'registry']);
    expect(ports.clock.now()).toBeGreaterThan(0);
    expect(typeof ports.logHost.open).toBe('function');
    const { archive, readModel, registry } = ports;
    const embedded = [archive, registry, readModel].map(({ place }) => place.includes(dir));
    expect(embedded).toEqual(bits.slice(1).map((bit) => bit === 0));
  });

  test('every token is bound, once, in both profiles', async () => {
    for (const bits of [combinations[0]!, combinations[15]!]) {
      const modules = await modulesFor(settingsOf(bits), () => undefined);
      const container = new Container();
      container.load(...modules);
      for (const [name, token] of Object.entries(tokens)) {
        expect(container.isBound(token), name).toBe(true);
        expect(container.getAll(token as never), name).toHaveLength(1);
        expect(container.get(token as never), name).toBe(container.get(token as never));
      }
      expect(modules).toHaveLength(Object.keys(tokens).length);
    }
  });

  test('a binding that is missing is noticed', async () => {
    const [clock] = await modulesFor(settingsOf(combinations[0]!), () => undefined);
    const container = new Container();
    container.load(clock!);
    expect(() => container.get(tokens.readModel)).toThrow();
  });
});
