import { expect, test } from 'vitest';
import { auditTopic } from '../../src/apps/audit-topic.ts';
import { Fault } from '../../src/domain/fault.ts';
import type { LogHost } from '../../src/ports/event-log.ts';
import { anEpoch } from '../given/world.ts';

const epoch = anEpoch(2, 1, { epoch: 1, next: [0], timeMax: 0 });

/** What a start says of a topic, and what keeps it from being healthy. */
async function audited(audit: LogHost['audit']) {
  const said: string[] = [];
  const reasons = await auditTopic({ audit } as LogHost, epoch, (level, what, facts) => {
    said.push(`${level} ${what} ${facts.setting ?? facts.settings ?? facts.code}`);
  });
  return { said, reasons };
}

test('settings that lose events are no health; others at risk are told; what the broker does not tell is unknown', async () => {
  const unfit = ['cleanup.policy is compact: compaction removes events'];
  const faults = [...unfit, 'retention.ms is 1000: too short'];
  expect(await audited(async () => ({ faults, unfit, unknown: ['retention.bytes'] }))).toEqual({
    said: [
      ...faults.map((fault) => `warn topic setting ${fault}`),
      'info topic settings not told retention.bytes',
    ],
    reasons: [{ code: 'TOPIC_UNFIT', detail: `topic annal.e2: ${unfit[0]}` }],
  });
  const untold = ['cleanup.policy', 'message.timestamp.type'];
  expect(await audited(async () => ({ faults: [], unfit: [], unknown: untold }))).toEqual({
    said: ['info topic settings not told cleanup.policy message.timestamp.type'],
    reasons: [],
  });
});

test('a broker that is away keeps nobody from starting', async () => {
  expect(await audited(() => Promise.reject(new Fault('LOG_UNAVAILABLE', {})))).toEqual({
    said: ['warn topic settings not readable LOG_UNAVAILABLE'],
    reasons: [],
  });
});
