import { limits, type MetadataChangeEvent, mustNotExist, type Source } from '../domain/event.ts';
import { type NamespaceRule, namespaceOf } from '../domain/namespace.ts';
import { allows, type Principal } from '../domain/policy.ts';
import { isPosition, type Position } from '../domain/position.ts';
import { entityTypeOf, type UrnFault, urnFault } from '../domain/urn.ts';
import { asBuffer } from '../formats/avro-bytes.ts';
import { encodeEvent } from '../formats/event.ts';
import { patchFault } from '../formats/json-patch.ts';
import { isUuid } from '../formats/uuid8.ts';
import type { AspectSchema, AspectSchemas } from './aspect-schemas.ts';
import type { EntityTypes } from './entity-types.ts';
import type { IncomingEvent } from './incoming-event.ts';
import { suggestion } from './nearest.ts';
import { below, quoted, Refused } from './refusal.ts';

/** What may enter, as configured; read once at start. */
export interface Rules {
  readonly aspects: AspectSchemas;
  readonly entityTypes: EntityTypes;
  readonly namespaceRules: readonly NamespaceRule[];
}

/** Who sends it, when, under which id, and how many bytes the record has besides the event itself and its URN. */
export interface Arrival {
  readonly principal: Principal;
  readonly nowMs: number;
  /** Asked only where the event brings no id of its own. */
  readonly newId: () => string;
  readonly envelopeBytes: number;
}

export interface Admitted {
  readonly event: MetadataChangeEvent;
  /** The event in its one spelling. */
  readonly avro: Buffer;
}

const aspectName = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused.
const control = /[\u0000-\u001f\u007f-\u009f]/u;
const wordBytesMax = 128;
const textBytesMax = 512;
const foreignEntriesMax = 64;
const foreignValueBytesMax = 8 * 1024;

const urnReasons = {
  URN_SHAPE: 'is not `urn:<name space>:<entity type>:<key>`',
  URN_TOO_LONG: `has more than ${limits.urnBytesMax} bytes`,
  URN_CONTROL_CHARACTER: 'holds a control character',
  URN_NOT_NFC: 'is not in Unicode normal form C',
  URN_TRAVERSAL: 'holds a path segment `..`',
  URN_PARENTHESES: 'has parentheses that do not match',
} as const satisfies Record<UrnFault, string>;

function checkUrn(urn: string, pointer: string): void {
  const fault = urnFault(urn);
  if (fault !== undefined) throw new Refused('URN_INVALID', pointer, urnReasons[fault]);
}

function checkText(text: string | null, pointer: string, bytesMax: number): void {
  if (text === null) return;
  if (Buffer.byteLength(text) > bytesMax)
    throw new Refused('EVENT_SHAPE', pointer, `has more than ${bytesMax} bytes`);
  if (control.test(text)) throw new Refused('EVENT_SHAPE', pointer, 'holds a control character');
}

function checkSource({ plugin, version, runId, foreign }: Source): void {
  if (plugin === '') throw new Refused('EVENT_SHAPE', '/source/plugin', 'is required');
  checkText(plugin, '/source/plugin', wordBytesMax);
  checkText(version, '/source/version', wordBytesMax);
  checkText(runId, '/source/runId', textBytesMax);
  if (foreign.size > foreignEntriesMax)
    throw new Refused('EVENT_SHAPE', '/source/foreign', `has more than ${foreignEntriesMax} members`);
  for (const [key, value] of foreign) {
    if (key === '__proto__')
      throw new Refused('KEY_FORBIDDEN', '/source/foreign', 'a key `__proto__` is never accepted');
    checkText(key, '/source/foreign', wordBytesMax);
    if (Buffer.byteLength(value) > foreignValueBytesMax)
      throw new Refused(
        'EVENT_SHAPE',
        below('/source/foreign', key),
        `has more than ${foreignValueBytesMax} bytes`,
      );
  }
}

function checkExpect(expect: Position): void {
  if (expect.offset !== -1 && !isPosition(expect))
    throw new Refused('EVENT_SHAPE', '/expect', 'is no position of an event');
}

/** All that does not depend on who sends it and what aspects there are. */
function checkForm(incoming: IncomingEvent): void {
  const { urn, aspect, change, value, id, group, occurredAt, expect, actor, source } = incoming;
  checkUrn(urn, '/urn');
  if (aspect === null ? change !== 'DELETE' : !aspectName.test(aspect))
    throw new Refused('EVENT_SHAPE', '/aspect', `is a name that matches ${aspectName.source}`);
  if ((value === null) !== (change === 'DELETE'))
    throw new Refused('EVENT_SHAPE', '/value', 'a DELETE has no value, any other change has one');
  if (value !== null && value.length > limits.valueBytesMax) {
    const detail = `has ${value.length} bytes, at most ${limits.valueBytesMax} are taken`;
    throw new Refused('VALUE_TOO_LARGE', '/value', detail);
  }
  if (id !== null && !isUuid(id)) throw new Refused('EVENT_SHAPE', '/id', 'is a UUID');
  if (group !== null && !isUuid(group)) throw new Refused('EVENT_SHAPE', '/group', 'is a UUID');
  if (occurredAt !== null && !isTime(occurredAt))
    throw new Refused('EVENT_SHAPE', '/occurredAt', 'is a whole millisecond of the years 0001 to 9999');
  if (expect !== null) checkExpect(expect);
  if (actor !== null && actor !== '') checkUrn(actor, '/actor');
  if (source !== null) checkSource(source);
  checkText(incoming.correlationId, '/correlationId', textBytesMax);
  checkText(incoming.causationId, '/causationId', textBytesMax);
}

const isTime = (time: number): boolean =>
  Number.isInteger(time) && time >= limits.occurredAtMin && time <= limits.occurredAtMax;

/**
 * Whether an event of this type of entity and aspect may carry personal data or secrets at all: then what is refused of it
 * is not kept either. Looks at names alone.
 */
export const mayBePersonal = (rules: Rules, entityType: string | null, aspect: string | null): boolean =>
  (entityType !== null && rules.entityTypes.isPersonal(entityType)) ||
  (aspect !== null && rules.aspects.find(aspect)?.personal !== undefined);

function sealingRequired(aspect: string, { personal }: AspectSchema): Refused {
  const fields =
    personal?.subject === 'urn'
      ? `every value of ${aspect} counts as personal`
      : `these are marked personal in ${aspect}: ${personal?.pointers.join(', ')}`;
  return new Refused('SEALING_REQUIRED', '/value', fields);
}

/** The name of the schema that the value was checked against; null = opaque, or no value. */
function checkAspect({ aspect, change, value, opaqueAllowed }: IncomingEvent, rules: Rules): string | null {
  if (aspect === null) return null;
  const known = rules.aspects.find(aspect);
  if (known === undefined && !opaqueAllowed) {
    const detail = `no schema for ${quoted(aspect)}${suggestion(aspect, rules.aspects.names())}`;
    throw new Refused('ASPECT_UNKNOWN', '/aspect', detail);
  }
  if (value === null) return null;
  const parsed: unknown = JSON.parse(asBuffer(value).toString('utf8'));
  if (change === 'PATCH') {
    if (known?.personal !== undefined) throw sealingRequired(aspect, known);
    const fault = patchFault(parsed);
    if (fault !== undefined) throw new Refused('PATCH_INVALID', '/value', fault);
    return known?.schema ?? null;
  }
  if (known === undefined) return null;
  const check = rules.aspects.check(aspect, parsed);
  if (!check.ok) {
    const [pointer, detail] = check.code === 'ASPECT_INVALID' ? [check.pointer, check.reason] : ['', ''];
    throw new Refused(check.code, `/value${pointer}`, detail);
  }
  if (check.personal) throw sealingRequired(aspect, known);
  return check.schema;
}

/**
 * Checks an event that is not yet encoded, completes it and encodes it: form and bounds, policy, aspect schema, personal
 * data, id, size of the whole record. `value` is JSON that was judged before (`readRequest`, `judgeValue`). Throws a
 * refusal.
 */
export function admit(incoming: IncomingEvent, rules: Rules, arrival: Arrival): Admitted {
  checkForm(incoming);
  const { urn, aspect, change, value } = incoming;
  const namespace = namespaceOf(urn, rules.namespaceRules);
  const { principal } = arrival;
  if (!allows(principal, 'publish', namespace))
    throw new Refused('NOT_ALLOWED', '/urn', `${principal.name} may not publish to namespace ${namespace}`);
  const entityType = entityTypeOf(urn);
  if (rules.entityTypes.isPersonal(entityType))
    throw new Refused(
      'SEALING_REQUIRED',
      '/urn',
      `entities of type ${entityType} hold personal data or secrets`,
    );
  const event: MetadataChangeEvent = {
    urn,
    aspect,
    change,
    id: incoming.id ?? arrival.newId(),
    namespace,
    entityType,
    occurredAt: incoming.occurredAt ?? arrival.nowMs,
    expect: incoming.expect?.offset === -1 ? mustNotExist : incoming.expect,
    actor: incoming.actor ?? '',
    recordedBy: principal.name,
    group: incoming.group,
    aspectSchema: checkAspect(incoming, rules),
    source: incoming.source,
    correlationId: incoming.correlationId,
    causationId: incoming.causationId,
    value,
  };
  const avro = encodeEvent(event);
  const bytes = avro.length + Buffer.byteLength(urn) + arrival.envelopeBytes;
  if (bytes > limits.recordBytesMax) {
    const detail = `the whole record has ${bytes} bytes, at most ${limits.recordBytesMax} are taken`;
    throw new Refused('RECORD_TOO_LARGE', '', detail);
  }
  return { event, avro };
}
