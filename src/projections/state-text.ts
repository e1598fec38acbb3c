import { isUtf8 } from 'node:buffer';
import type { EntityState, Head, RememberedId } from '../domain/entity-state.ts';
import { type Change, limits, type MetadataChangeEvent, type Source } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import { formatPosition, type Position, parsePosition } from '../domain/position.ts';
import { encodeEvent, readEvent } from '../formats/event.ts';
import { type JsonSpan, scanJson } from '../formats/json-text.ts';

/**
 * The text of an EntityState, frozen with the projections that store it (docs/formats/entity-state.md). Values stand in it
 * as they were received, byte for byte. `readState(stateText(s))` gives a state with the same text, for every `s`.
 */
export function stateText(
  state: EntityState,
  contents: readonly HeadContent[] = headContents(state),
): string {
  const { urn, entityType, namespace, position, time, changed, heads, ids } = state;
  const deleted = !heads.some((head) => head.live);
  let text = `{"urn":${json(urn)},"type":${json(entityType)},"namespace":${json(namespace)},"deleted":${deleted},`;
  text += `"position":${quoted(position)},"time":${time},"changed":${changed === null ? 'null' : quoted(changed)},`;
  text += '"aspects":{';
  for (const [at, head] of heads.entries())
    text += `${at === 0 ? '' : ','}${json(head.aspect)}:${headText(head, contents[at]!)}`;
  text += '},"ids":[';
  for (const [at, known] of ids.entries())
    text += `${at === 0 ? '' : ','}["${known.id}",${quoted(known.position)}]`;
  return `${text}]}`;
}

/** What a document shows of a head, read once. */
export interface HeadContent {
  readonly event: MetadataChangeEvent;
  /** The value that is there after it; undefined for a deleted aspect. */
  readonly value: ReadValue | undefined;
}

/** The contents of a state's heads, in their order. */
export const headContents = (state: EntityState): HeadContent[] =>
  state.heads.map(({ avro, live, patched }) => {
    const event = readEvent(avro);
    const value = live ? (patched ?? event.value) : null;
    return { event, value: value === null ? undefined : readValue(value) };
  });

function headText({ position, time, patched }: Head, { event, value }: HeadContent): string {
  const text = `{"event":{"position":${quoted(position)},"time":${time}${factsOf(event)}}`;
  if (value === undefined || event.value === null) return `${text}}`;
  if (patched === null) return `${text}${spliced('value', value)}}`;
  return `${text}${spliced('patch', readValue(event.value))}${spliced('value', value)}}`;
}

/** A value as it was received: its text, and what it holds where it is JSON at all. */
export interface ReadValue {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly parsed: unknown;
  /** Spelled as `JSON.stringify` spells what it holds. */
  readonly plain: boolean;
}

/**
 * Reads a value. A plain one has no key twice, no lossy number, no space around it, and the scan would accept it unless it is
 * too deep: most values are, and this is the fastest way to know.
 */
export function readValue(bytes: Uint8Array): ReadValue {
  const text = utf8(bytes);
  if (!isUtf8(bytes)) return { bytes, text, parsed: undefined, plain: false };
  try {
    const parsed: unknown = JSON.parse(text);
    return { bytes, text, parsed, plain: JSON.stringify(parsed) === text };
  } catch (error) {
    if (error instanceof SyntaxError) return { bytes, text, parsed: undefined, plain: false };
    throw error;
  }
}

/**
 * A value as a further member of a document: the text itself, or, where it is not JSON that every reader reads alike,
 * `unreadable: code` in its place with the bytes beside it.
 */
export function spliced(name: 'value' | 'patch' | 'result', { bytes, text, plain }: ReadValue): string {
  if (plain && isShallow(text)) return `,"${name}":${text}`;
  const verdict = scanJson(bytes, { spanDepth: 0 });
  if (verdict.verdict === 'accept')
    return `,"${name}":${utf8(bytes.subarray(verdict.root.start, verdict.root.end))}`;
  const base64 = Buffer.from(bytes).toString('base64');
  return `,"${name}":{"unreadable":"${verdict.verdict}"},"${name}Bytes":"${base64}"`;
}

const opened = /[[{]/gu;

/** Whether a text cannot be too deep, by its length or its brackets. */
const isShallow = (text: string): boolean =>
  text.length <= limits.jsonDepthMax || (text.match(opened)?.length ?? 0) <= limits.jsonDepthMax;

/** What an event says besides URN, aspect and value, as further members in a fixed order; what is absent is left out. */
export function factsOf(event: MetadataChangeEvent): string {
  const { actor, expect, group, aspectSchema, source, correlationId, causationId } = event;
  let text = `,"change":"${event.change}","id":"${event.id}","namespace":${json(event.namespace)}`;
  text += `,"occurredAt":${event.occurredAt},"recordedBy":${json(event.recordedBy)}`;
  if (actor !== '') text += `,"actor":${json(actor)}`;
  if (expect !== null) text += `,"expect":${expect.offset === -1 ? '"absent"' : quoted(expect)}`;
  if (group !== null) text += `,"group":"${group}"`;
  if (aspectSchema !== null) text += `,"schema":${json(aspectSchema)}`;
  if (source !== null) text += `,"source":${sourceText(source)}`;
  if (correlationId !== null) text += `,"correlationId":${json(correlationId)}`;
  if (causationId !== null) text += `,"causationId":${json(causationId)}`;
  // An entity's DELETE stands on each of its aspects: it says so, since the aspect's name does not.
  return event.aspect === null ? `${text},"entity":true` : text;
}

function sourceText({ plugin, version, runId, foreign }: Source): string {
  const members = [...foreign]
    .map(([name, value]) => [Buffer.from(name), `${json(name)}:${json(value)}`] as const)
    .sort(([a], [b]) => Buffer.compare(a, b))
    .map(([, text]) => text);
  return `{"plugin":${json(plugin)},"version":${json(version)},"runId":${json(runId)},"foreign":{${members.join(',')}}}`;
}

/** Reads what `stateText` wrote. Throws `MODEL_CORRUPT` for anything else. */
export function readState(body: Uint8Array): EntityState {
  const scanned = scanJson(body, { spanDepth: 3, depthMax: 2 * limits.jsonDepthMax });
  if (scanned.verdict !== 'accept') throw new Fault('MODEL_CORRUPT', { reason: scanned.verdict });
  const root = scanned.root;
  const slice = (span: JsonSpan | undefined): Uint8Array | undefined =>
    span === undefined ? undefined : body.subarray(span.start, span.end);
  const parse = (span: JsonSpan | undefined): unknown => {
    const text = slice(span);
    if (text === undefined) throw new Fault('MODEL_CORRUPT', { reason: 'a member of the state is missing' });
    return JSON.parse(utf8(text));
  };
  const member = (span: JsonSpan | undefined, name: string): JsonSpan | undefined =>
    span?.members?.find((found) => found.key === name)?.value;

  const urn = parse(member(root, 'urn')) as string;
  const entityType = parse(member(root, 'type')) as string;
  const changed = parse(member(root, 'changed')) as string | null;
  const heads = (member(root, 'aspects')?.members ?? []).map(({ key: aspect, value: head }): Head => {
    const facts = parse(member(head, 'event')) as Facts;
    const bytesOf = (name: 'value' | 'patch'): Uint8Array | null => {
      const raw = member(head, `${name}Bytes`);
      if (raw !== undefined) return Buffer.from(parse(raw) as string, 'base64');
      return slice(member(head, name)) ?? null;
    };
    const value = bytesOf('value');
    const isPatch = facts.change === 'PATCH';
    const event = eventOf(facts, { urn, entityType, aspect }, isPatch ? bytesOf('patch') : value);
    return {
      aspect,
      position: positionOf(facts.position),
      time: facts.time,
      avro: encodeEvent(event),
      live: value !== null,
      patched: isPatch ? value : null,
    };
  });
  return {
    urn,
    entityType,
    namespace: parse(member(root, 'namespace')) as string,
    position: positionOf(parse(member(root, 'position')) as string),
    time: parse(member(root, 'time')) as number,
    changed: changed === null ? null : positionOf(changed),
    heads,
    ids: (parse(member(root, 'ids')) as [string, string][]).map(
      ([id, position]): RememberedId => ({ id, position: positionOf(position) }),
    ),
  };
}

interface Facts {
  readonly position: string;
  readonly time: number;
  readonly change: Change;
  readonly id: string;
  readonly namespace: string;
  readonly occurredAt: number;
  readonly recordedBy: string;
  readonly actor?: string;
  readonly expect?: string;
  readonly group?: string;
  readonly schema?: string;
  readonly source?: { plugin: string; version: string; runId: string; foreign: Record<string, string> };
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly entity?: true;
}

function eventOf(
  facts: Facts,
  of: { readonly urn: string; readonly entityType: string; readonly aspect: string },
  value: Uint8Array | null,
): MetadataChangeEvent {
  const { source } = facts;
  return {
    urn: of.urn,
    aspect: facts.entity === true ? null : of.aspect,
    change: facts.change,
    id: facts.id,
    namespace: facts.namespace,
    entityType: of.entityType,
    occurredAt: facts.occurredAt,
    expect:
      facts.expect === undefined
        ? null
        : facts.expect === 'absent'
          ? { epoch: 0, partition: 0, offset: -1 }
          : positionOf(facts.expect),
    actor: facts.actor ?? '',
    recordedBy: facts.recordedBy,
    group: facts.group ?? null,
    aspectSchema: facts.schema ?? null,
    source: source === undefined ? null : { ...source, foreign: new Map(Object.entries(source.foreign)) },
    correlationId: facts.correlationId ?? null,
    causationId: facts.causationId ?? null,
    value,
  };
}

function positionOf(text: string): Position {
  const position = parsePosition(text);
  if (position === undefined) throw new Fault('MODEL_CORRUPT', { reason: 'not a position', text });
  return position;
}

/** A JSON object from members whose values are JSON text already. */
export const object = (members: readonly (readonly [name: string, text: string])[]): string =>
  `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;

/** A string as JSON text. */
export const json = (text: string): string => JSON.stringify(text);

export const quoted = (position: Position): string => `"${formatPosition(position)}"`;

const utf8 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
