import { expect, test } from 'vitest';
import { configFaults } from '../../../src/adapters/kafka/topic-config.ts';

const good = {
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'LogAppendTime',
  'retention.ms': '604800000',
  'retention.bytes': '-1',
  'max.message.bytes': '1048588',
};

/** By these events are lost or altered, whatever else is done. */
const vital = new Set<string>(['cleanup.policy', 'message.timestamp.type']);

test('an append-only topic has no fault, kept for days or for ever', () => {
  expect(configFaults(new Map(Object.entries(good)))).toEqual({ faults: [], unfit: [], unknown: [] });
  const forEver = new Map(Object.entries({ ...good, 'retention.ms': '-1' }));
  expect(configFaults(forEver)).toEqual({ faults: [], unfit: [], unknown: [] });
});

test.for([
  ['cleanup.policy', 'compact,delete'],
  ['message.timestamp.type', 'CreateTime'],
  ['retention.ms', '3600000'],
  ['retention.bytes', '1073741824'],
  ['max.message.bytes', '100000'],
] as const)('%s = %s is a fault that names both', ([setting, value]) => {
  const { faults, unfit } = configFaults(new Map(Object.entries({ ...good, [setting]: value })));
  expect(unfit).toHaveLength(vital.has(setting) ? 1 : 0);
  expect(faults).toEqual([expect.stringMatching(new RegExp(`^${setting} is ${value}: `))]);
});

test('what the endpoint does not tell is unknown, not good', () => {
  expect(configFaults(undefined)).toEqual({ faults: [], unfit: [], unknown: Object.keys(good) });
  const { unknown } = configFaults(new Map([['cleanup.policy', 'delete']]));
  expect(unknown).not.toContain('cleanup.policy');
  expect(unknown).toHaveLength(4);
});
