import { randomUUID } from 'node:crypto';
import type { Message } from 'kafkajs';
import { encodeEvent, eventSchemaSha256 } from '../../../src/formats/event.ts';
import { partitionOf } from '../../../src/formats/partition.ts';
import { urnOf } from './events.ts';

type Event = Parameters<typeof encodeEvent>[0];

/** What a record that intake never wrote becomes. */
export interface Strange {
  readonly outcome: string;
  readonly message: Message;
}

const ours = { 'annal-epoch': '1', 'annal-schema': eventSchemaSha256 };

function eventOf(name: string, more: Partial<Event> = {}): Event {
  return {
    ...{ urn: urnOf(name), aspect: 'datasetProperties', change: 'UPSERT', id: randomUUID() },
    ...{ namespace: 'shop', entityType: 'dataset', occurredAt: 1_763_600_000_000, expect: null, actor: '' },
    ...{ recordedBy: 'stranger', group: null, aspectSchema: null, source: null, correlationId: null },
    ...{ causationId: null, value: Buffer.from(`{"name":"${name}"}`) },
    ...more,
  };
}

/** Records as a stray producer might write them straight to the log's topic, in its right partition if they have one. */
export function strangers(partitions: number, round: number): readonly Strange[] {
  const record = (event: Event, more: Partial<Message> = {}): Message => ({
    key: event.urn,
    value: encodeEvent(event),
    headers: ours,
    partition: partitionOf(event.urn, partitions),
    ...more,
  });
  const name = `t${round}`;
  const event = eventOf(name);
  const right = partitionOf(event.urn, partitions);
  // 200 names a hundred times each: as many headers as hurt, and what a plain consumer can still bear.
  const many = Object.fromEntries(
    Array.from({ length: 200 }, (_, n) => [`h${n}`, Array.from({ length: 100 }, () => 'x')]),
  );
  const bomb = Buffer.from('f8ffffff0f', 'hex');
  return [
    { outcome: 'foreign', message: record(event, { headers: {} }) },
    { outcome: 'foreign', message: { key: 'no URN', value: 'hello', partition: round % partitions } },
    { outcome: 'foreign', message: record(event, { headers: { ...ours, 'annal-epoch': '2' } }) },
    { outcome: 'foreign', message: record(event, { headers: { ...ours, 'annal-epoch': ['1', '1'] } }) },
    { outcome: 'undecodable', message: record(event, { headers: { 'annal-epoch': '1' } }) },
    {
      outcome: 'undecodable',
      message: record(event, { headers: { ...ours, 'annal-schema': 'f'.repeat(64) } }),
    },
    { outcome: 'undecodable', message: record(event, { value: bomb }) },
    { outcome: 'undecodable', message: record(event, { value: encodeEvent(event).subarray(0, 50) }) },
    { outcome: 'undecodable', message: record(event, { value: null }) },
    { outcome: 'undecodable', message: record(eventOf(name, { aspect: '' })) },
    { outcome: 'misrouted', message: record(event, { key: urnOf('another') }) },
    { outcome: 'misrouted', message: record(event, { key: null }) },
    { outcome: 'misrouted', message: record(event, { partition: (right + 1) % partitions }) },
    { outcome: 'applied', message: record(eventOf(name), { headers: { ...ours, ...many } }) },
    // Intake would refuse these values; a fold has to show what stands in the log.
    { outcome: 'applied', message: record(eventOf(name, { value: Buffer.from('{"name":') })) },
    { outcome: 'applied', message: record(eventOf(name, { value: Buffer.from(' {"n": 1.0e2}\n') })) },
    { outcome: 'patch-failed', message: record(eventOf(`new ${round}`, { change: 'PATCH' })) },
  ];
}
