import type { EntityState, Head, RememberedId } from '../domain/entity-state.ts';
import { type Change, limits, type MetadataChangeEvent } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import { type Position, parsePosition } from '../domain/position.ts';
import { asBuffer } from '../formats/avro-bytes.ts';
import { encodeEvent } from '../formats/event.ts';
import { type JsonSpan, scanJson } from '../formats/json-text.ts';
import { type JsonWriter, jsonBytes } from '../formats/json-writer.ts';
import { readValue, splice, writeFacts, writePosition } from './event-text.ts';
import { type HeadContent, headContents } from './head-content.ts';

/**
 * The text of an EntityState, frozen with the projections that store it (docs/formats/entity-state.md). Values stand in it
 * as they were received, byte for byte. `readState(stateText(s))` gives a state with the same text, for every `s`. Short
 * texts share memory: whoever keeps one for long copies it.
 */
export const stateText = (
  state: EntityState,
  contents: readonly HeadContent[] = headContents(state),
): Buffer => jsonBytes((out) => writeState(out, state, contents));

function writeState(out: JsonWriter, state: EntityState, contents: readonly HeadContent[]): void {
  const { urn, entityType, namespace, position, time, changed, heads, ids } = state;
  out.raw('{"urn":');
  out.string(urn);
  out.raw(',"type":');
  out.string(entityType);
  out.raw(',"namespace":');
  out.string(namespace);
  out.raw(heads.some((head) => head.live) ? ',"deleted":false,"position":' : ',"deleted":true,"position":');
  writePosition(out, position);
  out.raw(',"time":');
  out.integer(time);
  out.raw(',"changed":');
  if (changed === null) out.raw('null');
  else writePosition(out, changed);
  out.raw(',"aspects":{');
  for (const [at, head] of heads.entries()) {
    if (at > 0) out.raw(',');
    out.string(head.aspect);
    out.raw(':');
    writeHead(out, head, contents[at]!);
  }
  out.raw('},"ids":[');
  for (const [at, known] of ids.entries()) {
    out.raw(at > 0 ? ',["' : '["');
    out.raw(known.id);
    out.raw('",');
    writePosition(out, known.position);
    out.raw(']');
  }
  out.raw(']}');
}

function writeHead(out: JsonWriter, { position, time, patched }: Head, { event, value }: HeadContent): void {
  out.raw('{"event":{"position":');
  writePosition(out, position);
  out.raw(',"time":');
  out.integer(time);
  writeFacts(out, event);
  out.raw('}');
  if (value !== undefined && patched !== null) splice(out, 'patch', readValue(event.value!));
  if (value !== undefined) splice(out, 'value', value);
  out.raw('}');
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

const utf8 = (bytes: Uint8Array): string => asBuffer(bytes).toString('utf8');
