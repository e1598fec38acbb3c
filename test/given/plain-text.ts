import type { readEvent } from '../../src/formats/event.ts';
import { judgeJson } from '../../src/formats/json-text.ts';

export type PlainEvent = ReturnType<typeof readEvent>;

export interface Aspect {
  event: PlainEvent;
  place: Place;
  value: Buffer | null;
}

export interface Place {
  readonly position: string;
  readonly version: number;
  readonly time: number;
}

/** All that is known of one URN, changed in place. */
export interface Entity {
  last: PlainEvent;
  place: Place;
  changed: string | null;
  readonly aspects: Map<string, Aspect>;
  readonly ids: { readonly id: string; readonly position: string }[];
}

export const text = (value: string | null): string => JSON.stringify(value);

export function appliedText({ event, place, value }: Aspect, told: string): string {
  const result = event.change === 'PATCH' ? valueText('result', value) : '';
  return documentText(event, place, told, event.value, result);
}

export function documentText(
  event: PlainEvent,
  place: Place,
  told: string,
  value: Uint8Array | null,
  more = '',
): string {
  return (
    `{"position":"${place.position}","time":${place.time},"urn":${text(event.urn)},"type":${text(event.entityType)},` +
    `"aspect":${text(event.aspect)},${factsText(event)}${told}${valueText('value', value)}${more}}`
  );
}

function valueText(name: string, value: Uint8Array | null): string {
  if (value === null) return '';
  const verdict = judgeJson(value);
  const bytes = Buffer.from(value);
  return verdict === 'accept'
    ? `,"${name}":${bytes.toString('utf8').replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')}`
    : `,"${name}":{"unreadable":"${verdict}"},"${name}Bytes":"${bytes.toString('base64')}"`;
}

function factsText(event: PlainEvent): string {
  const { expect, source } = event;
  const expected =
    expect === null || expect.offset === -1
      ? expect && 'absent'
      : `${expect.epoch}-${expect.partition}-${expect.offset}`;
  const facts: [name: string, json: string | null][] = [
    ['change', text(event.change)],
    ['id', text(event.id)],
    ['namespace', text(event.namespace)],
    ['occurredAt', String(event.occurredAt)],
    ['recordedBy', text(event.recordedBy)],
    ['actor', event.actor === '' ? null : text(event.actor)],
    ['expect', expected && text(expected)],
    ['group', event.group && text(event.group)],
    ['schema', event.aspectSchema === null ? null : text(event.aspectSchema)],
    ['source', source && sourceText(source)],
    ['correlationId', event.correlationId === null ? null : text(event.correlationId)],
    ['causationId', event.causationId === null ? null : text(event.causationId)],
    ['entity', event.aspect === null ? 'true' : null],
  ];
  return facts.flatMap(([name, json]) => (json === null ? [] : [`"${name}":${json}`])).join(',');
}

function sourceText({ plugin, version, runId, foreign: members }: NonNullable<PlainEvent['source']>): string {
  const told = [...members]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, value]) => `${text(name)}:${text(value)}`);
  return `{"plugin":${text(plugin)},"version":${text(version)},"runId":${text(runId)},"foreign":{${told.join(',')}}}`;
}

export function stateText(urn: string, { last, place, changed, aspects, ids }: Entity): string {
  const heads = [...aspects]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { event, place: at, value }]) => {
      const patch = event.change === 'PATCH' ? valueText('patch', event.value) : '';
      const facts = `{"position":"${at.position}","time":${at.time},${factsText(event)}}`;
      return `${text(name)}:{"event":${facts}${patch}${valueText('value', value)}}`;
    });
  const deleted = [...aspects.values()].every(({ value }) => value === null);
  const known = ids.map(({ id, position }) => `["${id}","${position}"]`);
  return (
    `{"urn":${text(urn)},"type":${text(last.entityType)},"namespace":${text(last.namespace)},"deleted":${deleted},` +
    `"position":"${place.position}","time":${place.time},"changed":${text(changed)},` +
    `"aspects":{${heads.join(',')}},"ids":[${known.join(',')}]}`
  );
}
