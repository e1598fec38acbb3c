import { limits, type Source } from '../../domain/event.ts';
import { asBuffer } from '../../formats/avro-bytes.ts';
import type { JsonSpan } from '../../formats/json-text.ts';
import { scanJson } from '../../formats/json-text.ts';
import { uuid8 } from '../../formats/uuid8.ts';
import { readEventShape, urnIn } from '../event-shape.ts';
import type { IncomingEvent } from '../incoming-event.ts';
import { orRefusal, type Refusal, Refused } from '../refusal.ts';
import { readItem, refusalOf } from '../request.ts';

/** The type of a CloudEvent whose data is a change, as `POST /v1/events` takes it. */
export const changeType = 'annal.change.v1';

/** An event of an envelope, or why it is none. */
export type EnvelopedEvent =
  | { readonly event: IncomingEvent }
  | { readonly refusal: Refusal; readonly urn: string | null; readonly aspect: null };

export type EnvelopedEvents =
  | { readonly kind: 'read'; readonly sent: readonly EnvelopedEvent[] }
  | { readonly kind: 'invalid'; readonly fault: Refusal };

/** A CloudEvent taken apart: attributes as texts, data as JSON text. */
interface CloudEvent {
  readonly attributes: ReadonlyMap<string, string>;
  readonly data: Buffer | undefined;
}

const attributeCharsMax = 512;
const envelopeDepthMax = limits.jsonDepthMax + 4;
const jsonType = /^application\/(?:json|[a-z0-9.-]+\+json)\s*(?:;|$)/i;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

const shape = (pointer: string, detail: string): Refused => new Refused('EVENT_SHAPE', pointer, detail);

const attribute = ({ attributes }: CloudEvent, name: string): string => {
  const text = attributes.get(name) ?? '';
  if (text === '') throw shape(`/${name}`, 'is required');
  if (text.length > attributeCharsMax)
    throw shape(`/${name}`, `has more than ${attributeCharsMax} characters`);
  return text;
};

/** The change that an envelope carries. `source` and `id` name it: the same again has no second effect. */
function changeIn(envelope: CloudEvent, principal: string): IncomingEvent {
  if (attribute(envelope, 'specversion') !== '1.0') throw shape('/specversion', 'is 1.0');
  const [id, source, type] = ['id', 'source', 'type'].map((name) => attribute(envelope, name)) as [
    string,
    string,
    string,
  ];
  if (type !== changeType)
    throw new Refused('EVENT_TYPE_UNKNOWN', '/type', `is not ${changeType}, which changes have`);
  const contentType = envelope.attributes.get('datacontenttype') ?? 'application/json';
  if (!jsonType.test(contentType)) throw shape('/datacontenttype', 'is JSON');
  if (envelope.data === undefined) throw shape('/data', 'is required');
  const item = readItem(envelope.data);
  if ('refusal' in item)
    throw new Refused(item.refusal.code, `/data${item.refusal.pointer}`, item.refusal.detail);
  const change = readEventShape(item.bytes, item.span);
  if (change.id !== null) throw shape('/data/id', 'is named by the id and source of the envelope');
  return {
    ...change,
    id: uuid8('annal-id/cloudevents', principal, source, id),
    occurredAt: change.occurredAt ?? timeOf(envelope),
    source: sourceOf(change.source, envelope),
  };
}

function timeOf({ attributes }: CloudEvent): number | null {
  const text = attributes.get('time');
  if (text === undefined) return null;
  const time = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (!Number.isFinite(time)) throw shape('/time', 'is a time of RFC 3339');
  return time;
}

/** What the sender says of itself, and how the envelope was named. */
function sourceOf(said: Source | null, { attributes }: CloudEvent): Source {
  const foreign = new Map(said?.foreign);
  for (const name of ['id', 'source', 'subject']) {
    const text = attributes.get(name);
    if (text !== undefined && text !== '')
      foreign.set(`cloudevents.${name}`, text.slice(0, attributeCharsMax));
  }
  return {
    plugin: said?.plugin ?? 'cloudevents',
    version: said?.version ?? '',
    runId: said?.runId ?? '',
    foreign,
  };
}

function enveloped(envelope: CloudEvent, principal: string): EnvelopedEvent {
  const read = orRefusal(() => changeIn(envelope, principal));
  if ('taken' in read) return { event: read.taken };
  const item = envelope.data === undefined ? undefined : readItem(envelope.data);
  const urn = item !== undefined && 'span' in item ? urnIn(item.bytes, item.span) : undefined;
  return { refusal: read.refusal, urn: urn ?? null, aspect: null };
}

/** A CloudEvent in JSON, taken apart; members that are no texts are not attributes that are looked at. */
function apart(body: Buffer, span: JsonSpan): CloudEvent {
  const attributes = new Map<string, string>();
  let data: Buffer | undefined;
  for (const { key, value } of span.members ?? []) {
    const text = body.subarray(value.start, value.end);
    if (key === 'data') data = text;
    else if (value.kind === 'string') {
      const plain = JSON.parse(text.toString('utf8')) as string;
      if (key !== 'data_base64') attributes.set(key, plain);
      else if (base64.test(plain)) data = Buffer.from(plain, 'base64');
    }
  }
  return { attributes, data };
}

/**
 * CloudEvents 1.0 in JSON: structured mode (`application/cloudevents+json`, one) or a batch
 * (`application/cloudevents-batch+json`, an array of at most 1,000). Each event of a batch is judged alone.
 */
export function readStructured(given: Uint8Array, many: boolean, principal: string): EnvelopedEvents {
  const body = asBuffer(given);
  const spanDepth = many ? 2 : 1;
  const verdict = scanJson(body, { depthMax: envelopeDepthMax, spanDepth, syntaxOnly: true });
  if (verdict.verdict !== 'accept') return { kind: 'invalid', fault: refusalOf(verdict) };
  const spans = many ? verdict.root.items : [verdict.root];
  const invalid = (code: Refusal['code'], detail: string): EnvelopedEvents => ({
    kind: 'invalid',
    fault: { code, pointer: '', detail },
  });
  if (spans === undefined) return invalid('EVENT_SHAPE', 'a batch is an array');
  if (spans.length > limits.eventsPerRequestMax)
    return invalid('TOO_MANY_EVENTS', `at most ${limits.eventsPerRequestMax} events are taken at once`);
  return { kind: 'read', sent: spans.map((span) => enveloped(apart(body, span), principal)) };
}

/** Binary mode: attributes in headers `ce-…` (names in lower case, values percent-encoded), the data as the body. */
export function readBinary(
  body: Uint8Array,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  principal: string,
): EnvelopedEvents {
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(headers))
    if (name.startsWith('ce-') && typeof value === 'string') attributes.set(name.slice(3), decoded(value));
  const contentType = headers['content-type'];
  if (typeof contentType === 'string') attributes.set('datacontenttype', contentType);
  return { kind: 'read', sent: [enveloped({ attributes, data: asBuffer(body) }, principal)] };
}

/** What is not well encoded stays as it was sent. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (error instanceof URIError) return value;
    throw error;
  }
}
