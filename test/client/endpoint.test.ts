import { describe, expect, test } from 'vitest';
import { kafkaEndpoint } from '../../src/client/endpoint.ts';
import { pluginSettings } from '../../src/client/plugin-settings.ts';
import { isFault } from '../../src/domain/fault.ts';

const hub = 'Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=a+b/c=';

describe('a connection string', () => {
  test('of a namespace leads to its Kafka endpoint, with TLS', () => {
    expect(kafkaEndpoint(`${hub};EntityPath=annal.inbox`)).toEqual({
      ...{ brokers: ['acme.servicebus.windows.net:9093'], tls: true, entityPath: 'annal.inbox' },
      login: { username: '$ConnectionString', password: `${hub};EntityPath=annal.inbox` },
    });
  });

  test('of an emulator leads to it in clear; brokers need no string', () => {
    const emulator =
      'Endpoint=sb://localhost;SharedAccessKeyName=x;SharedAccessKey=y;UseDevelopmentEmulator=true;';
    expect(kafkaEndpoint(emulator)).toMatchObject({ brokers: ['localhost:9092'], tls: false });
    expect(kafkaEndpoint('a:1, b:2')).toEqual({
      ...{ brokers: ['a:1', 'b:2'], tls: false },
      ...{ login: undefined, entityPath: undefined },
    });
  });

  test('that is none is refused without being repeated', () => {
    for (const bad of [
      '',
      'secret',
      'Endpoint=http://secret/;SharedAccessKey=x',
      'Endpoint=sb://secret/;SharedAccessKey=x',
    ])
      expect(() => kafkaEndpoint(bad)).toThrow(/^(?!.*secret)/);
  });
});

describe('settings of a plugin', () => {
  const faultsOf = (env: Record<string, string>): string[] => {
    try {
      pluginSettings(env, 'p');
      return [];
    } catch (error) {
      if (!isFault(error, 'CONFIG_INVALID')) throw error;
      expect(JSON.stringify(error.facts)).not.toContain('a+b/c=');
      return (error.facts.faults as { at: string }[]).map(({ at }) => at);
    }
  };

  test('name every fault at once, and no secret', () => {
    expect(faultsOf({})).toEqual(['ANNAL_URL']);
    expect(faultsOf({ ANNAL_URL: 'x', HEALTH_PORT: '-1', GRACE_SECONDS: 'x' })).toEqual([
      ...['ANNAL_URL', 'HEALTH_PORT', 'GRACE_SECONDS'],
    ]);
    expect(faultsOf({ ANNAL_URL: 'http://a', CONNECTION_STRING: hub })).toEqual(['CONNECTION_STRING']);
    expect(faultsOf({ CONNECTION_STRING: hub })).toEqual(['EVENTHUB']);
    expect(faultsOf({ CONNECTION_STRING: hub, EVENTHUB: 'x' })).toEqual(['SCHEMA_REGISTRY_URL']);
    expect(faultsOf({ CONNECTION_STRING: `x${hub}`, EVENTHUB: 'x' })).toEqual(['CONNECTION_STRING']);
    expect(faultsOf({ ANNAL_URL: 'http://a', ANNAL_TOKEN_FILE: '/nowhere/token' })).toEqual([
      'ANNAL_TOKEN_FILE',
    ]);
  });

  test('choose the way', () => {
    expect(pluginSettings({ ANNAL_URL: 'http://a' }, 'p')).toMatchObject({
      ...{ stateFile: 'p.state.json', health: { bind: '127.0.0.1', port: 8081 }, graceMs: 20_000 },
    });
    const registry = { SCHEMA_REGISTRY_URL: 'http://r/path', HEALTH_PORT: 'off' };
    const settings = pluginSettings({ CONNECTION_STRING: `${hub};EntityPath=i`, ...registry }, 'p');
    expect(settings.health).toBeUndefined();
    expect(settings.transport()).toMatchObject({
      ...{ where: 'inbox', address: 'acme.servicebus.windows.net:9093/i' },
    });
  });
});
