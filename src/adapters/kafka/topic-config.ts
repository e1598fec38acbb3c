import type { Audit } from '../../ports/event-log.ts';
import type { Client } from './link.ts';

const dayMs = 24 * 3_600_000;

interface Expectation {
  readonly setting: string;
  readonly holds: (value: string) => boolean;
  readonly because: string;
  /** Otherwise events are lost or altered, not only at risk. */
  readonly vital?: true;
}

const expectations: readonly Expectation[] = [
  {
    setting: 'cleanup.policy',
    holds: (value) => value === 'delete',
    because: 'compaction removes events; it must be delete',
    vital: true,
  },
  {
    setting: 'message.timestamp.type',
    holds: (value) => value === 'LogAppendTime',
    because: 'append times would come from producers; it must be LogAppendTime',
    vital: true,
  },
  {
    setting: 'retention.ms',
    holds: (value) => Number(value) === -1 || Number(value) >= dayMs,
    because: 'an archiver that stands still for a day would lose events',
  },
  {
    setting: 'retention.bytes',
    holds: (value) => Number(value) === -1,
    because: 'events would go by size before they are archived; it must be -1',
  },
  {
    setting: 'max.message.bytes',
    holds: (value) => Number(value) >= 1_040_000,
    because: 'the largest records would be refused; it must be at least 1040000',
  },
];

/** The topic's settings by name, or undefined where the endpoint does not tell (Event Hubs). */
export async function describeTopic(
  { kafka }: Client,
  topic: string,
): Promise<ReadonlyMap<string, string> | undefined> {
  const admin = kafka.admin();
  const resources = [{ type: 2, name: topic }]; // 2 = topic
  // Event Hubs has no such request: nothing told is an answer too.
  const found = await admin.describeConfigs({ resources, includeSynonyms: false }).catch(() => undefined);
  const entries = found?.resources.find(({ resourceName }) => resourceName === topic)?.configEntries;
  if (entries === undefined || entries.length === 0) return undefined;
  return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
}

/** How the settings that are told fit an append-only log. */
export function configFaults(settings: ReadonlyMap<string, string> | undefined): Audit {
  const faults: string[] = [];
  const unfit: string[] = [];
  const unknown: string[] = [];
  for (const { setting, holds, because, vital = false } of expectations) {
    const value = settings?.get(setting);
    if (value === undefined) unknown.push(setting);
    else if (!holds(value)) {
      const fault = `${setting} is ${value}: ${because}`;
      faults.push(fault);
      if (vital) unfit.push(fault);
    }
  }
  return { faults, unfit, unknown };
}
