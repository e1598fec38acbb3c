import { readEvent } from '../../src/formats/event.ts';
import { judgeJson } from '../../src/formats/json-text.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { DoesNotApply, plainPatch } from './plain-patch.ts';
import type { PlainDocument } from './plain-root.ts';

/** A record of a log as a plain consumer reads it; a header that comes more than once has all its values. */
export interface PlainRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, readonly (Buffer | null)[]>>;
}

/** One epoch: its records by partition, in the order of their offsets. */
export interface PlainEpoch {
  readonly epoch: number;
  readonly records: readonly (readonly PlainRecord[])[];
}

export interface PlainFold {
  readonly entities: readonly PlainDocument[];
  readonly history: readonly PlainDocument[];
  /** Outcome of each record, by its position. */
  readonly outcomes: ReadonlyMap<string, string>;
}

type Event = ReturnType<typeof readEvent>;

interface Aspect {
  event: Event;
  place: Place;
  value: Buffer | null;
}

interface Place {
  readonly position: string;
  readonly version: number;
  readonly time: number;
}

/** All that is known of one URN, changed in place. */
interface Entity {
  last: Event;
  place: Place;
  changed: string | null;
  readonly aspects: Map<string, Aspect>;
  readonly ids: { readonly id: string; readonly position: string }[];
}

/**
 * What `entities` and `history` hold after these epochs, by docs/formats alone: a second fold, written apart from the first,
 * event by event, with all documents in memory. Of ours it uses the codecs of src/formats and nothing else. `ourSchema` is
 * the one value of `annal-schema` that it can decode.
 */
export function plainFold(epochs: readonly PlainEpoch[], ourSchema: string): PlainFold {
  const entities = new Map<string, Entity>();
  const history = new Map<string, PlainDocument>();
  const outcomes = new Map<string, string>();
  const keep = (id: string, version: number, body: string): void =>
    void history.set(id, { id, version, body: Buffer.from(body) });
  let timeFloor = 0;
  for (const { epoch, records } of epochs) {
    let timeMax = timeFloor;
    for (const [partition, lane] of records.entries()) {
      let time = timeFloor;
      for (const record of lane) {
        time = Math.max(time, record.timestamp);
        const position = `${epoch}-${partition}-${record.offset}`;
        const place = { position, version: epoch * 2 ** 44 + record.offset, time };
        const read = eventIn(record, epoch, partition, records.length, ourSchema);
        if ('reason' in read) {
          const { outcome, reason } = read;
          outcomes.set(position, outcome);
          const told = `"outcome":"${outcome}","reason":${text(reason)}`;
          const body = `{"position":"${position}","time":${time},"urn":${text(urnOf(record.key))},${told}}`;
          keep(`@${position}`, place.version, body);
        } else outcomes.set(position, change(entities, keep, read, place));
      }
      timeMax = Math.max(timeMax, time);
    }
    timeFloor = timeMax;
  }
  const states = [...entities].map(([urn, entity]): PlainDocument => {
    return { id: urn, version: entity.place.version, body: Buffer.from(stateText(urn, entity)) };
  });
  for (const { id, version, body } of states) history.set(`~${id}`, { id: `~${id}`, version, body });
  return { entities: states, history: [...history.values()], outcomes };
}

interface SetApart {
  readonly outcome: 'foreign' | 'undecodable' | 'misrouted';
  readonly reason: string;
}

const foreign = (reason: string): SetApart => ({ outcome: 'foreign', reason });
const undecodable = (reason: string): SetApart => ({ outcome: 'undecodable', reason });
const misrouted = (reason: string): SetApart => ({ outcome: 'misrouted', reason });

/** The event in a record, or why it reaches no entity. */
function eventIn(
  { key, value, headers }: PlainRecord,
  epoch: number,
  partition: number,
  partitions: number,
  ourSchema: string,
): Event | SetApart {
  const only = (name: string): string | undefined => {
    const [first, ...more] = headers[name] ?? [];
    return more.length > 0 ? undefined : first?.toString('latin1');
  };
  const named = only('annal-epoch');
  if (named === undefined) return foreign('no single annal-epoch header');
  if (!/^(?:0|[1-9][0-9]{0,9})$/.test(named)) return foreign('annal-epoch is no decimal');
  if (Number(named) !== epoch) return foreign(`annal-epoch is ${named}`);
  const schema = only('annal-schema');
  if (schema === undefined) return undecodable('no single annal-schema header');
  if (value === null) return undecodable('the record has no value');
  if (schema !== ourSchema) return undecodable('the archive holds no schema of this name');
  let event: Event;
  try {
    if (value[0] === 0 && value.length < 5) return undecodable('framing cut short');
    event = readEvent(value.subarray(value[0] === 0 ? 5 : 0));
  } catch (error) {
    const { facts } = error as { facts?: { reason?: unknown } };
    if (typeof facts?.reason !== 'string') throw error;
    return undecodable(`${facts.reason}`);
  }
  const { urn, aspect, change } = event;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused.
  if (urn === '' || urn.length > 512 || /[\u0000-\u001f\u007f-\u009f]/u.test(urn))
    return undecodable('the URN is empty, too long or holds control characters');
  if (aspect === '' || (aspect === null && change !== 'DELETE'))
    return undecodable('the change names no aspect');
  if ((change === 'DELETE') !== (event.value === null))
    return undecodable('a DELETE has no value, any other change has one');
  if (key === null || key.toString('utf8') !== urn) return misrouted('the key is not the URN');
  const right = partitionOf(urn, partitions);
  return right === partition ? event : misrouted(`the URN belongs to partition ${right}`);
}

const urnOf = (key: Buffer | null): string | null =>
  key !== null && key.length <= 512 && /^urn:li:[A-Za-z]+:[\u0021-\u007e]+$/.test(key.toString('utf8'))
    ? key.toString('utf8')
    : null;

/** Lets an event change what is known, notes its document, and gives its outcome. */
function change(
  entities: Map<string, Entity>,
  keep: (id: string, version: number, body: string) => void,
  event: Event,
  place: Place,
): string {
  const known = entities.get(event.urn);
  const entity: Entity = known ?? {
    ...{ last: event, place, changed: null },
    ...{ aspects: new Map(), ids: [] },
  };
  entities.set(event.urn, entity);
  entity.last = event;
  entity.place = place;
  const first = entity.ids.find(({ id }) => id === event.id);
  if (first !== undefined) {
    keep(
      `@${place.position}`,
      place.version,
      documentText(event, place, `,"outcome":"duplicate","duplicateOf":"${first.position}"`, event.value),
    );
    return 'duplicate';
  }
  entity.ids.push({ id: event.id, position: place.position });
  if (entity.ids.length > 16) entity.ids.shift();
  const verdict = verdictOn(entity, event);
  if (verdict.outcome !== 'applied') {
    const told = `,"outcome":"${verdict.outcome}","reason":${text(verdict.reason)}`;
    keep(`@${place.position}`, place.version, documentText(event, place, told, event.value));
    return verdict.outcome;
  }
  for (const [name, aspect] of entity.aspects) {
    if (aspect.value === null || (event.aspect !== null && event.aspect !== name)) continue;
    const told = `,"outcome":"applied","to":{"position":"${place.position}","time":${place.time}}`;
    keep(`@${aspect.place.position}`, place.version, appliedText(aspect, told));
  }
  entity.changed = place.position;
  const names = event.aspect === null ? [...entity.aspects.keys()] : [event.aspect];
  for (const name of names) entity.aspects.set(name, { event, place, value: verdict.value });
  const own = event.aspect === null ? undefined : entity.aspects.get(event.aspect);
  const body =
    own === undefined || own.value === null
      ? documentText(event, place, ',"outcome":"applied"', event.value)
      : appliedText(own, ',"outcome":"applied","to":null');
  keep(`@${place.position}`, place.version, body);
  return 'applied';
}

type Verdict =
  | { readonly outcome: 'applied'; readonly value: Buffer | null }
  | { readonly outcome: 'conflict' | 'patch-failed'; readonly reason: string };

function verdictOn(entity: Entity, event: Event): Verdict {
  const { aspect: name, change, expect, value } = event;
  const aspect = name === null ? undefined : entity.aspects.get(name);
  const present =
    name === null
      ? [...entity.aspects.values()].some((one) => one.value !== null)
      : aspect !== undefined && aspect.value !== null;
  if (expect !== null) {
    const conflict = (reason: string): Verdict => ({ outcome: 'conflict', reason });
    const last = name === null ? entity.changed : aspect?.place.position;
    if (expect.offset === -1) {
      if (present) return conflict('it exists, and was expected not to');
    } else if (last === undefined || last === null)
      return conflict('it was expected to have been changed, and never was');
    else if (last !== `${expect.epoch}-${expect.partition}-${expect.offset}`)
      return conflict('it was changed since the position that was expected');
  }
  if (change === 'DELETE') return { outcome: 'applied', value: null };
  if (change === 'UPSERT') return { outcome: 'applied', value: Buffer.from(value!) };
  if (aspect === undefined || aspect.value === null)
    return { outcome: 'patch-failed', reason: 'the aspect has no value to patch' };
  try {
    const patched = plainPatch(aspect.value.toString('utf8'), Buffer.from(value!).toString('utf8'));
    return { outcome: 'applied', value: Buffer.from(patched) };
  } catch (error) {
    if (error instanceof DoesNotApply) return { outcome: 'patch-failed', reason: error.message };
    throw error;
  }
}

const text = (value: string | null): string => JSON.stringify(value);

function appliedText({ event, place, value }: Aspect, told: string): string {
  const result = event.change === 'PATCH' ? valueText('result', value) : '';
  return documentText(event, place, told, event.value, result);
}

function documentText(event: Event, place: Place, told: string, value: Uint8Array | null, more = ''): string {
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

function factsText(event: Event): string {
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

function sourceText({ plugin, version, runId, foreign: members }: NonNullable<Event['source']>): string {
  const told = [...members]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, value]) => `${text(name)}:${text(value)}`);
  return `{"plugin":${text(plugin)},"version":${text(version)},"runId":${text(runId)},"foreign":{${told.join(',')}}}`;
}

function stateText(urn: string, { last, place, changed, aspects, ids }: Entity): string {
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
