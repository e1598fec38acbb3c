import type { EntityState } from '../../src/domain/entity-state.ts';
import type { LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import { defaultNamespaceRules, namespaceOf } from '../../src/domain/namespace.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import type { Position } from '../../src/domain/position.ts';
import { entityTypeOf } from '../../src/domain/urn.ts';
import { encodeEvent } from '../../src/formats/event.ts';
import { frameConfluent } from '../../src/formats/framing.ts';
import { patchValue } from '../../src/formats/json-patch.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { uuid8 } from '../../src/formats/uuid8.ts';
import { recordHeaders } from '../../src/intake/record-headers.ts';
import { bridgeId } from '../../src/intake/translate/translation.ts';
import { foldEvent } from '../../src/projections/fold-batch.ts';
import { type Draw, drawFrom } from '../draw.ts';
import type { Author } from './authors.ts';

/** A value of an aspect, ready for JSON. */
export type Value = Readonly<Record<string, unknown>>;

export const epoch = 1;
export const partitions = 4;
/** Id of the event schema in the registry that the sample was written with. */
export const schemaId = 1;
const bridgedTopic = 'MetadataChangeProposal_v1';

/** What a change carries besides itself. */
export interface Circumstances {
  readonly expect?: Position;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly group?: string;
}

export interface Written {
  readonly event: MetadataChangeEvent;
  readonly position: Position;
  readonly outcome: Outcome;
}

/** Writes the log of the sample, one event after the other, and knows what a reader would see. */
export interface Scribe {
  /** Append time of what was written last. */
  now(): number;
  /** Goes on at `time`, or at once where that is past. */
  moveTo(time: number): void;
  upsert(author: Author, urn: string, aspect: string, value: Value, around?: Circumstances): Written;
  /** `operations`: an RFC 6902 document. */
  patch(
    author: Author,
    urn: string,
    aspect: string,
    operations: readonly Value[],
    around?: Circumstances,
  ): Written;
  /** Deletes one aspect, or with null the whole entity. */
  remove(author: Author, urn: string, aspect: string | null, around?: Circumstances): Written;
  /** The same event once more, as a sender does whose answer was lost. */
  again(written: Written): Written;
  /** The present value; an Error where there is none. */
  value(urn: string, aspect: string): Value;
  has(urn: string, aspect: string): boolean;
  /** Position of the last applied change of the aspect; an Error where there is none. */
  position(urn: string, aspect: string): Position;
}

export interface Log {
  /** By partition. */
  readonly lanes: readonly (readonly LogRecord[])[];
  readonly entities: number;
}

interface Change {
  readonly author: Author;
  readonly urn: string;
  readonly aspect: string | null;
  readonly change: MetadataChangeEvent['change'];
  /** Null for a DELETE. */
  readonly value: unknown;
  readonly around: Circumstances;
}

function eventOf({ author, urn, aspect, change, value, around }: Change, id: string, occurredAt: number) {
  const event: MetadataChangeEvent = {
    ...{ urn, aspect, change, id, occurredAt },
    namespace: namespaceOf(urn, defaultNamespaceRules),
    entityType: entityTypeOf(urn),
    expect: around.expect ?? null,
    actor: author.actor,
    recordedBy: author.recordedBy,
    group: around.group ?? null,
    aspectSchema: change === 'DELETE' ? null : `${aspect}/1`,
    source: author.source,
    correlationId: around.correlationId ?? null,
    causationId: around.causationId ?? null,
    value: change === 'DELETE' ? null : Buffer.from(JSON.stringify(value)),
  };
  return event;
}

interface Present {
  readonly position: Position;
  readonly value: Uint8Array;
}

/** What a reader sees: the present values, by `<urn> <aspect>`, kept up to date with every applied event. */
function present() {
  const values = new Map<string, Present>();
  const known = (urn: string, aspect: string): Present => {
    const found = values.get(`${urn} ${aspect}`);
    if (found === undefined) throw new Error(`${urn} has no ${aspect}`);
    return found;
  };
  const reading: Pick<Scribe, 'value' | 'has' | 'position'> = {
    value: (urn, aspect) => JSON.parse(Buffer.from(known(urn, aspect).value).toString('utf8')) as Value,
    has: (urn, aspect) => values.has(`${urn} ${aspect}`),
    position: (urn, aspect) => known(urn, aspect).position,
  };
  function apply({ urn, aspect, change, value }: MetadataChangeEvent, position: Position): void {
    if (aspect === null) {
      for (const key of values.keys()) if (key.startsWith(`${urn} `)) values.delete(key);
    } else if (change === 'PATCH') {
      const patched = patchValue(known(urn, aspect).value, value!);
      if (!patched.ok) throw new Error(`${urn}: ${patched.reason}`);
      values.set(`${urn} ${aspect}`, { position, value: patched.value });
    } else if (value === null) values.delete(`${urn} ${aspect}`);
    else values.set(`${urn} ${aspect}`, { position, value });
  }
  return { reading, apply };
}

export function openScribe(seed: number): { readonly scribe: Scribe; readonly log: () => Log } {
  const draw: Draw = drawFrom(seed);
  const states = new Map<string, EntityState>();
  const lanes: LogRecord[][] = Array.from({ length: partitions }, () => []);
  const headers = recordHeaders(epoch)();
  const readers = present();
  let [clock, sequence, bridged] = [0, 0, 0];

  function append(event: MetadataChangeEvent): Written {
    const avro = encodeEvent(event);
    const partition = partitionOf(event.urn, partitions);
    const lane = lanes[partition]!;
    const position = { epoch, partition, offset: lane.length };
    const [key, value] = [Buffer.from(event.urn), frameConfluent(schemaId, avro)];
    lane.push({ offset: position.offset, appendTime: clock, key, value, headers });
    const step = foldEvent(states, { kind: 'event', event: { ...event, avro }, position, time: clock });
    if (step === undefined) throw new Error(`${event.urn} went back`);
    if (step.outcome === 'applied') readers.apply(event, position);
    return { event, position, outcome: step.outcome };
  }

  function write(change: Change): Written {
    clock += 4 + draw.below(24);
    sequence += 1;
    const occurredAt = clock - 2 - draw.below(60);
    const { source, recordedBy } = change.author;
    if (source === null || !recordedBy.startsWith('bridge:'))
      return append(eventOf(change, uuid8('annal-sample/event', String(sequence)), occurredAt));
    const place = {
      source: source.plugin,
      topic: bridgedTopic,
      partition: 0,
      offset: bridged++,
      appendTime: -1,
    };
    const foreign = new Map([
      ['topic', place.topic],
      ['partition', String(place.partition)],
      ['offset', String(place.offset)],
    ]);
    const author = { ...change.author, source: { ...source, foreign } };
    return append(eventOf({ ...change, author }, bridgeId(place, 0), occurredAt));
  }

  const scribe: Scribe = {
    ...readers.reading,
    now: () => clock,
    moveTo(time) {
      clock = Math.max(clock + 1, time);
    },
    upsert: (author, urn, aspect, value, around = {}) =>
      write({ author, urn, aspect, change: 'UPSERT', value, around }),
    patch: (author, urn, aspect, value, around = {}) =>
      write({ author, urn, aspect, change: 'PATCH', value, around }),
    remove: (author, urn, aspect, around = {}) =>
      write({ author, urn, aspect, change: 'DELETE', value: null, around }),
    again({ event }) {
      clock += 900 + draw.below(4_000);
      return append(event);
    },
  };
  return { scribe, log: () => ({ lanes, entities: states.size }) };
}

/** Something that happens at a moment of the story. */
export interface Act {
  readonly at: number;
  readonly tell: (scribe: Scribe) => void;
}

/** Tells all acts in order of time; acts of one moment in the order given. */
export function tellAll(scribe: Scribe, acts: readonly Act[]): void {
  for (const { at, tell } of [...acts].sort((a, b) => a.at - b.at)) {
    scribe.moveTo(at);
    tell(scribe);
  }
}
