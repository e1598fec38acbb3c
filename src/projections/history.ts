import { type Head, headOf, type Step } from '../domain/entity-state.ts';
import { Fault } from '../domain/fault.ts';
import type { Outcome } from '../domain/outcome.ts';
import { formatPosition, type Position, parsePosition, versionOf } from '../domain/position.ts';
import { readEvent } from '../formats/event.ts';
import { EventSpans } from '../formats/event-spans.ts';
import { type JsonWriter, jsonBytes } from '../formats/json-writer.ts';
import type { Document, FieldKind, SearchFields } from '../ports/read-model.ts';
import { readValue, splice, writeFacts, writePosition } from './event-text.ts';
import { keyword } from './keyword.ts';
import type { Draft, Projection, Quarantined } from './projection.ts';
import { stateBeside } from './state-beside.ts';

/** Fields by which `history` is searched; part of the projection's version. */
const historyFields = {
  urn: 'keyword',
  aspect: 'keyword',
  type: 'keyword',
  namespace: 'keyword',
  actor: 'keyword',
  recordedBy: 'keyword',
  change: 'keyword',
  outcome: 'keyword',
  position: 'keyword',
  epoch: 'long',
  partition: 'long',
  offset: 'long',
  time: 'long',
  /** Valid [from, to) in append time; an event without effect is never valid (from = to). */
  from: 'long',
  to: 'long',
  /** The same interval in versions, exact within the URN's partition. */
  fromVersion: 'long',
  toVersion: 'long',
} as const satisfies Record<string, FieldKind>;

/** `to` of what is valid still. */
export const openEnd = Number.MAX_SAFE_INTEGER;

/** A place in the log and its append time. */
interface Point {
  readonly position: Position;
  readonly time: number;
}

/** One document per event: who, what, outcome, and how long it was true. Serves the log page, as-of and diff. */
export const history: Projection = {
  definition: { projection: 'history', version: 1, fields: historyFields },
  frozen: '99503253064ba014096ec6f79081191099e72e27a1aef3ffec478f547b4e3a90',
  about: 'every event with its outcome, and when it was true',
  ...stateBeside,
  drafts: (step) => [...endedDrafts(step), draft(step, step, () => eventDocument(step))],
  settled(step) {
    const isOpen = openHead(step) !== undefined;
    return isOpen ? endedDrafts(step) : [...endedDrafts(step), draft(step, step, () => eventDocument(step))];
  },
  open: (state) =>
    state.heads
      .filter((head) => head.live)
      .map((head) => draft(head, head, () => appliedDocument(head, undefined))),
  quarantined: (record) => [draft(record, record, () => quarantinedDocument(record))],
  searchOf: ({ id, body }) => (id.startsWith('~') ? null : storedFields(body)),
};

export const eventId = (position: Position): string => `@${formatPosition(position)}`;

const draft = (of: Point, version: Point, render: () => Document): Draft => ({
  id: eventId(of.position),
  version: versionOf(version.position),
  render,
});

/** The aspect's new head, if the step left one that is valid until something replaces it. */
function openHead({ event, after, outcome }: Step): Head | undefined {
  if (outcome !== 'applied' || event.aspect === null) return undefined;
  const head = headOf(after, event.aspect);
  return head === undefined || !head.live ? undefined : head;
}

/** Heads whose validity ends with this step: the aspect's, or all of the entity's. A deletion is never valid. */
function endedDrafts(step: Step): Draft[] {
  const { before, event, outcome } = step;
  if (before === undefined || outcome !== 'applied') return [];
  return before.heads
    .filter((head) => head.live && (event.aspect === null || event.aspect === head.aspect))
    .map((head) => draft(head, step, () => appliedDocument(head, step)));
}

function eventDocument(step: Step): Document {
  const head = openHead(step);
  if (head !== undefined) return appliedDocument(head, undefined);
  const { outcome, reason, duplicateOf } = step;
  const tell = (out: JsonWriter, value: Uint8Array | null): void => {
    if (reason !== undefined) {
      out.raw(',"reason":');
      out.string(reason);
    }
    if (duplicateOf !== undefined) {
      out.raw(',"duplicateOf":');
      writePosition(out, duplicateOf);
    }
    if (value !== null) splice(out, 'value', readValue(value));
  };
  return render(step.event.avro, step, step, outcome, tell);
}

/** The document of an applied change: valid from its position, to `end` once something replaced it. */
function appliedDocument(head: Head, end: Point | undefined): Document {
  const tell = (out: JsonWriter, value: Uint8Array | null): void => {
    if (end === undefined) out.raw(',"to":null');
    else {
      out.raw(',"to":{"position":');
      writePosition(out, end.position);
      out.raw(',"time":');
      out.integer(end.time);
      out.raw('}');
    }
    if (value !== null) splice(out, 'value', readValue(value));
    if (head.patched !== null) splice(out, 'result', readValue(head.patched));
  };
  return render(head.avro, head, end, 'applied', tell);
}

/** `end` undefined = valid still; the point itself = never valid. `tell` writes what follows the outcome. */
function render(
  avro: Uint8Array,
  at: Point,
  end: Point | undefined,
  outcome: Outcome,
  tell: (out: JsonWriter, value: Uint8Array | null) => void,
): Document {
  const event = readEvent(avro);
  const spans = new EventSpans(avro);
  const { epoch, partition, offset } = at.position;
  return {
    id: eventId(at.position),
    version: versionOf((end ?? at).position),
    body: jsonBytes((out) => {
      out.raw('{"position":');
      writePosition(out, at.position);
      out.raw(',"time":');
      out.integer(at.time);
      out.raw(',"urn":');
      out.string(event.urn);
      out.raw(',"type":');
      out.string(event.entityType);
      out.raw(',"aspect":');
      if (event.aspect === null) out.raw('null');
      else out.string(event.aspect);
      writeFacts(out, spans);
      out.raw(`,"outcome":"${outcome}"`);
      tell(out, event.value);
      out.raw('}');
    }),
    search: {
      urn: keyword(event.urn),
      aspect: keyword(event.aspect ?? ''),
      type: keyword(event.entityType),
      namespace: keyword(event.namespace),
      actor: keyword(event.actor),
      recordedBy: keyword(event.recordedBy),
      change: event.change,
      outcome,
      position: formatPosition(at.position),
      epoch,
      partition,
      offset,
      time: at.time,
      from: at.time,
      to: end?.time ?? openEnd,
      fromVersion: versionOf(at.position),
      toVersion: end === undefined ? openEnd : versionOf(end.position),
    },
  };
}

function quarantinedDocument({ outcome, reason, position, time, urn }: Quarantined): Document {
  const version = versionOf(position);
  return {
    id: eventId(position),
    version,
    body: jsonBytes((out) => {
      out.raw('{"position":');
      writePosition(out, position);
      out.raw(',"time":');
      out.integer(time);
      out.raw(',"urn":');
      if (urn === null) out.raw('null');
      else out.string(urn);
      out.raw(`,"outcome":"${outcome}","reason":`);
      out.string(reason);
      out.raw('}');
    }),
    search: {
      urn: keyword(urn ?? ''),
      aspect: '',
      type: '',
      namespace: '',
      actor: '',
      recordedBy: '',
      change: '',
      outcome,
      position: formatPosition(position),
      epoch: position.epoch,
      partition: position.partition,
      offset: position.offset,
      time,
      from: time,
      to: time,
      fromVersion: version,
      toVersion: version,
    },
  };
}

/** An event's document, as far as it is searched. */
interface StoredEvent {
  readonly position: string;
  readonly time: number;
  readonly urn: string | null;
  readonly type?: string;
  readonly aspect?: string | null;
  readonly namespace?: string;
  readonly actor?: string;
  readonly recordedBy?: string;
  readonly change?: string;
  readonly outcome: Outcome;
  /** Absent where it was never valid; null = valid still. */
  readonly to?: { readonly position: string; readonly time: number } | null;
}

function storedFields(body: Uint8Array): SearchFields {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  const stored = JSON.parse(text) as StoredEvent;
  const { time, outcome, to } = stored;
  const position = parsePosition(stored.position);
  if (position === undefined) throw new Fault('MODEL_CORRUPT', { reason: 'not a position' });
  const end = to === undefined ? position : to === null ? undefined : parsePosition(to.position);
  return {
    urn: keyword(stored.urn ?? ''),
    aspect: keyword(stored.aspect ?? ''),
    type: keyword(stored.type ?? ''),
    namespace: keyword(stored.namespace ?? ''),
    actor: keyword(stored.actor ?? ''),
    recordedBy: keyword(stored.recordedBy ?? ''),
    change: stored.change ?? '',
    outcome,
    position: stored.position,
    ...{ epoch: position.epoch, partition: position.partition, offset: position.offset },
    time,
    from: time,
    to: to === undefined ? time : (to?.time ?? openEnd),
    fromVersion: versionOf(position),
    toVersion: end === undefined ? openEnd : versionOf(end),
  };
}
