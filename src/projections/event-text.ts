import { isUtf8 } from 'node:buffer';
import { limits, type Source } from '../domain/event.ts';
import type { Position } from '../domain/position.ts';
import { asBuffer, inKeyOrder } from '../formats/avro-bytes.ts';
import { readEvent } from '../formats/event.ts';
import type { EventSpans } from '../formats/event-spans.ts';
import { scanJson } from '../formats/json-text.ts';
import type { JsonWriter } from '../formats/json-writer.ts';
import { isPlainJson } from '../formats/plain-json.ts';

const changes = [',"change":"UPSERT","id":', ',"change":"PATCH","id":', ',"change":"DELETE","id":'] as const;

/** What an event says besides URN, aspect and value, as further members in a fixed order; what is absent is left out. */
export function writeFacts(out: JsonWriter, event: EventSpans): void {
  const { bytes } = event;
  out.raw(changes[event.change]!);
  out.uuid(bytes, event.idAt);
  out.raw(',"namespace":');
  out.utf8(bytes, event.namespaceAt, event.namespaceEnd);
  out.raw(',"occurredAt":');
  out.integer(event.occurredAt);
  out.raw(',"recordedBy":');
  out.utf8(bytes, event.recordedByAt, event.recordedByEnd);
  if (event.actorAt !== event.actorEnd) {
    out.raw(',"actor":');
    out.utf8(bytes, event.actorAt, event.actorEnd);
  }
  if (event.expect !== null) {
    out.raw(',"expect":');
    if (event.expect.offset === -1) out.raw('"absent"');
    else writePosition(out, event.expect);
  }
  if (event.groupAt >= 0) {
    out.raw(',"group":');
    out.uuid(bytes, event.groupAt);
  }
  if (event.schemaAt >= 0) {
    out.raw(',"schema":');
    out.utf8(bytes, event.schemaAt, event.schemaEnd);
  }
  if (event.hasSource) writeSource(out, readEvent(bytes).source!);
  if (event.correlationAt >= 0) {
    out.raw(',"correlationId":');
    out.utf8(bytes, event.correlationAt, event.correlationEnd);
  }
  if (event.causationAt >= 0) {
    out.raw(',"causationId":');
    out.utf8(bytes, event.causationAt, event.causationEnd);
  }
  // An entity's DELETE stands on each of its aspects: it says so, since the aspect's name does not.
  if (!event.ofAspect) out.raw(',"entity":true');
}

function writeSource(out: JsonWriter, { plugin, version, runId, foreign }: Source): void {
  out.raw(',"source":{"plugin":');
  out.string(plugin);
  out.raw(',"version":');
  out.string(version);
  out.raw(',"runId":');
  out.string(runId);
  out.raw(',"foreign":{');
  for (const [at, [name, value]] of inKeyOrder(foreign).entries()) {
    if (at > 0) out.raw(',');
    out.string(name);
    out.raw(':');
    out.string(value);
  }
  out.raw('}}');
}

/** A position in its text form, as a JSON string. */
export function writePosition(out: JsonWriter, { epoch, partition, offset }: Position): void {
  out.raw('"');
  out.integer(epoch);
  out.raw('-');
  out.integer(partition);
  out.raw('-');
  out.integer(offset);
  out.raw('"');
}

/** A value as it was received. */
export interface ReadValue {
  readonly bytes: Uint8Array;
  /** Whether it stands in a document as it is, without a further look. */
  readonly plain: boolean;
}

/** Looks at a value once: most are JSON that every reader reads alike, with nothing around it. */
export const readValue = (bytes: Uint8Array): ReadValue => ({
  bytes,
  plain: isPlainJson(bytes) || isSpelledAsUsual(bytes),
});

/** Whether a value is spelled as `JSON.stringify` spells what it holds, and surely not too deep. */
function isSpelledAsUsual(bytes: Uint8Array): boolean {
  const parsed = parsedValue({ bytes, plain: false });
  const text = asBuffer(bytes).toString('utf8');
  return parsed !== undefined && JSON.stringify(parsed) === text && isShallow(text);
}

/** What a value holds; undefined where it is no JSON at all. */
export function parsedValue({ bytes, plain }: ReadValue): unknown {
  if (!plain && !isUtf8(bytes)) return undefined;
  try {
    return JSON.parse(asBuffer(bytes).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Writes a value as a further member of a document: the text itself, or, where it is not JSON that every reader reads alike,
 * `unreadable: code` in its place with the bytes beside it.
 */
export function splice(
  out: JsonWriter,
  name: 'value' | 'patch' | 'result',
  { bytes, plain }: ReadValue,
): void {
  out.raw(`,"${name}":`);
  const verdict = plain ? undefined : scanJson(bytes, { spanDepth: 0 });
  if (verdict === undefined) out.copy(bytes);
  else if (verdict.verdict === 'accept') out.copy(bytes.subarray(verdict.root.start, verdict.root.end));
  else out.raw(`{"unreadable":"${verdict.verdict}"},"${name}Bytes":"${asBuffer(bytes).toString('base64')}"`);
}

const opened = /[[{]/gu;

/** Whether a text cannot be too deep, by its length or its brackets. */
const isShallow = (text: string): boolean =>
  text.length <= limits.jsonDepthMax || (text.match(opened)?.length ?? 0) <= limits.jsonDepthMax;
