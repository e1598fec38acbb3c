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
  events: readonly MetadataChangeEvent[] = headEvents(state),
): string {
  const deleted = state.heads.every((head) => head.value === null);
  const aspects = state.heads.map(
    (head, at) => `${JSON.stringify(head.aspect)}:${headText(head, events[at]!)}`,
  );
  const ids = state.ids.map(({ id, position }) => `["${id}","${formatPosition(position)}"]`);
  return object([
    ['urn', JSON.stringify(state.urn)],
    ['type', JSON.stringify(state.entityType)],
    ['namespace', JSON.stringify(state.namespace)],
    ['deleted', String(deleted)],
    ['position', quoted(state.position)],
    ['time', String(state.time)],
    ['changed', state.changed === null ? 'null' : quoted(state.changed)],
    ['aspects', `{${aspects.join(',')}}`],
    ['ids', `[${ids.join(',')}]`],
  ]);
}

/** The events behind a state's heads, in their order. */
export const headEvents = (state: EntityState): MetadataChangeEvent[] =>
  state.heads.map((head) => readEvent(head.avro));

function headText(head: Head, event: MetadataChangeEvent): string {
  const patch = event.change === 'PATCH' && event.value !== null ? spliced('patch', event.value) : [];
  return object([
    ['event', object([['position', quoted(head.position)], ['time', String(head.time)], ...factsOf(event)])],
    ...patch,
    ...(head.value === null ? [] : spliced('value', head.value)),
  ]);
}

/**
 * A value as members of a document: the text itself, or, where it is not JSON that every reader reads alike,
 * `unreadable: code` in its place with the bytes beside it.
 */
export function spliced(name: 'value' | 'patch' | 'result', value: Uint8Array): [string, string][] {
  const verdict = scanJson(value, { spanDepth: 0 });
  if (verdict.verdict === 'accept')
    return [[name, utf8(value.subarray(verdict.root.start, verdict.root.end))]];
  return [
    [name, object([['unreadable', JSON.stringify(verdict.verdict)]])],
    [`${name}Bytes`, JSON.stringify(Buffer.from(value).toString('base64'))],
  ];
}

/** What an event says besides URN, aspect and value, as members in a fixed order; what is absent is left out. */
export function factsOf(event: MetadataChangeEvent): [string, string][] {
  const facts: [string, string][] = [
    ['change', JSON.stringify(event.change)],
    ['id', JSON.stringify(event.id)],
    ['namespace', JSON.stringify(event.namespace)],
    ['occurredAt', String(event.occurredAt)],
    ['recordedBy', JSON.stringify(event.recordedBy)],
  ];
  const add = (name: string, fact: string | null): void => {
    if (fact !== null) facts.push([name, fact]);
  };
  add('actor', event.actor === '' ? null : JSON.stringify(event.actor));
  add('expect', event.expect === null ? null : expectText(event.expect));
  add('group', event.group === null ? null : JSON.stringify(event.group));
  add('schema', event.aspectSchema === null ? null : JSON.stringify(event.aspectSchema));
  add('source', event.source === null ? null : sourceText(event.source));
  add('correlationId', event.correlationId === null ? null : JSON.stringify(event.correlationId));
  add('causationId', event.causationId === null ? null : JSON.stringify(event.causationId));
  // An entity's DELETE stands on each of its aspects: it says so, since the aspect's name does not.
  add('entity', event.aspect === null ? 'true' : null);
  return facts;
}

const expectText = (expect: Position): string => (expect.offset === -1 ? '"absent"' : quoted(expect));

function sourceText(source: Source): string {
  const foreign = [...source.foreign]
    .map(([name, text]) => [Buffer.from(name), name, text] as const)
    .sort(([a], [b]) => Buffer.compare(a, b))
    .map(([, name, text]) => [name, JSON.stringify(text)] as [string, string]);
  return object([
    ['plugin', JSON.stringify(source.plugin)],
    ['version', JSON.stringify(source.version)],
    ['runId', JSON.stringify(source.runId)],
    ['foreign', object(foreign)],
  ]);
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
    const event = eventOf(
      facts,
      { urn, entityType, aspect },
      facts.change === 'PATCH' ? bytesOf('patch') : value,
    );
    return {
      aspect,
      position: positionOf(facts.position),
      time: facts.time,
      avro: encodeEvent(event),
      value,
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
export const object = (members: readonly (readonly [string, string])[]): string =>
  `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;

export const quoted = (position: Position): string => `"${formatPosition(position)}"`;

const utf8 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
