import { isRestoredTopic } from '../domain/restored-topic.ts';
import type { ConfigFault, IsSet, Values } from './config.ts';

/** A topic of DataHub that is carried into the log, and its name in ids and progress. */
export interface DatahubTopic {
  readonly topic: string;
  readonly source: string;
}

const variables = {
  datahubTopic: 'ANNAL_DATAHUB_TOPIC',
  datahubSnapshotsTopic: 'ANNAL_DATAHUB_SNAPSHOTS_TOPIC',
} as const;
const names = {
  datahubTopic: 'MetadataChangeProposal_v1',
  datahubSnapshotsTopic: 'MetadataChangeEvent_v4',
} as const;

type Which = keyof typeof variables;

/** What the settings ask for; its source: that of the proposals, and of the snapshots the same with `-snapshots` behind it. */
export function datahubTopicOf(values: Values, which: Which): DatahubTopic | undefined {
  const given = values[which] ?? 'off';
  if (given === 'off') return undefined;
  const source = values.datahubSource ?? 'datahub';
  return {
    topic: given === 'on' ? names[which] : given,
    source: which === 'datahubTopic' ? source : `${source}-snapshots`,
  };
}

/** Why the settings of DataHub's topics cannot be had together with the others. */
export const datahubFaults = (values: Values, set: IsSet): ConfigFault[] => {
  const topics = (['datahubTopic', 'datahubSnapshotsTopic'] as const).flatMap((which) => {
    const found = datahubTopicOf(values, which);
    return found === undefined ? [] : [{ at: variables[which], ...found }];
  });
  const faults = topics.flatMap(({ at, topic, source }): ConfigFault[] => {
    const reasons: [boolean, string, string][] = [
      [!set('kafkaBrokers'), at, 'needs ANNAL_KAFKA_BROKERS'],
      [!set('registryUrl'), at, 'needs ANNAL_SCHEMA_REGISTRY_URL, where DataHub registers its schema'],
      [
        values.inbox === 'on' && source === values.inboxSource,
        'ANNAL_DATAHUB_SOURCE',
        'is the name of the inbox too, and ids come from it',
      ],
      [topic.startsWith(`${values.topic}.`), at, 'is one of the topics of the log itself'],
      [
        isRestoredTopic(topic) && !topic.startsWith(`${values.topic}.`),
        at,
        'is a restored topic: those are for readers outside',
      ],
    ];
    return reasons.flatMap(([holds, where, what]) => (holds ? [{ at: where, what }] : []));
  });
  const [first, second] = topics;
  return first !== undefined && second !== undefined && first.topic === second.topic
    ? [...faults, { at: second.at, what: 'is the topic of the proposals' }]
    : faults;
};
