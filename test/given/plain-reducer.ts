import { readEvent } from '../../src/formats/event.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { edgeText, lifeText, tellsOfLineage } from './plain-lineage.ts';
import { DoesNotApply, plainPatch } from './plain-patch.ts';
import type { PlainDocument } from './plain-root.ts';
import {
  appliedText,
  documentText,
  type Entity,
  type PlainEvent as Event,
  type Place,
  stateText,
  text,
} from './plain-text.ts';

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
  readonly edges: readonly PlainDocument[];
  /** Outcome of each record, by its position. */
  readonly outcomes: ReadonlyMap<string, string>;
}

/**
 * What `entities`, `history` and `edges` hold after these epochs, by docs/formats alone: a second fold, written apart from the
 * first, event by event, with all documents in memory. Of ours it uses the codecs of src/formats and nothing else. `ourSchema` is
 * the one value of `annal-schema` that it can decode.
 */
export function plainFold(epochs: readonly PlainEpoch[], ourSchema: string): PlainFold {
  const entities = new Map<string, Entity>();
  const history = keeping();
  const edges = keeping();
  const outcomes = new Map<string, string>();
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
          history.keep(`@${position}`, place.version, body);
        } else {
          const lifeBefore = lifeOf(entities.get(read.urn));
          outcomes.set(position, change(entities, { history, edges }, read, place));
          const life = lifeOf(entities.get(read.urn));
          if (life !== 'none' && life !== lifeBefore)
            edges.keep(`+${position}`, place.version, lifeText(read, place, life.startsWith('deleted')));
        }
      }
      timeMax = Math.max(timeMax, time);
    }
    timeFloor = timeMax;
  }
  const states = [...entities].map(([urn, entity]): PlainDocument => {
    return { id: urn, version: entity.place.version, body: Buffer.from(stateText(urn, entity)) };
  });
  for (const { id, version, body } of states)
    for (const { keep } of [history, edges]) keep(`~${id}`, version, body.toString());
  return { entities: states, history: history.all(), edges: edges.all(), outcomes };
}

interface Keeping {
  keep(id: string, version: number, body: string): void;
  all(): PlainDocument[];
}

function keeping(): Keeping {
  const documents = new Map<string, PlainDocument>();
  return {
    keep: (id, version, body) => void documents.set(id, { id, version, body: Buffer.from(body) }),
    all: () => [...documents.values()],
  };
}

/** Whether an entity is there, and where; none before the first change that took effect. */
function lifeOf(entity: Entity | undefined): string {
  if (entity === undefined || entity.changed === null) return 'none';
  const live = [...entity.aspects.values()].some(({ value }) => value !== null);
  return `${live ? 'live' : 'deleted'} in ${entity.last.namespace}`;
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
  { history, edges }: { readonly history: Keeping; readonly edges: Keeping },
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
    history.keep(
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
    history.keep(`@${place.position}`, place.version, documentText(event, place, told, event.value));
    return verdict.outcome;
  }
  for (const [name, aspect] of entity.aspects) {
    if (aspect.value === null || (event.aspect !== null && event.aspect !== name)) continue;
    const told = `,"outcome":"applied","to":{"position":"${place.position}","time":${place.time}}`;
    history.keep(`@${aspect.place.position}`, place.version, appliedText(aspect, told));
    if (tellsOfLineage(name))
      edges.keep(`@${aspect.place.position}`, place.version, edgeText(event.urn, name, aspect, place));
  }
  entity.changed = place.position;
  const names = event.aspect === null ? [...entity.aspects.keys()] : [event.aspect];
  for (const name of names) entity.aspects.set(name, { event, place, value: verdict.value });
  const own = event.aspect === null ? undefined : entity.aspects.get(event.aspect);
  const body =
    own === undefined || own.value === null
      ? documentText(event, place, ',"outcome":"applied"', event.value)
      : appliedText(own, ',"outcome":"applied","to":null');
  history.keep(`@${place.position}`, place.version, body);
  if (own !== undefined && own.value !== null && tellsOfLineage(event.aspect!))
    edges.keep(`@${place.position}`, place.version, edgeText(event.urn, event.aspect!, own, null));
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
