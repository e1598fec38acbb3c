import { type Change, limits, mustNotExist, type Source } from '../domain/event.ts';
import { type Position, parsePosition } from '../domain/position.ts';
import type { JsonSpan } from '../formats/json-text.ts';
import { isUuid } from '../formats/uuid8.ts';
import type { IncomingEvent } from './incoming-event.ts';
import { suggestion } from './nearest.ts';
import { below, quoted, Refused } from './refusal.ts';

const members = [
  'urn',
  'aspect',
  'change',
  'value',
  'id',
  'occurredAt',
  'actor',
  'expect',
  'group',
  'source',
  'correlationId',
  'causationId',
] as const;
type Member = (typeof members)[number];
const sourceMembers = ['plugin', 'version', 'runId', 'foreign'] as const;
/** Members of an event that only intake writes. */
const reserved = new Set(['namespace', 'recordedBy', 'entityType', 'aspectSchema']);
const changes = ['UPSERT', 'PATCH', 'DELETE'] as const satisfies readonly Change[];

const isMember = (name: string): name is Member => members.some((member) => member === name);

const shapeFault = (pointer: string, detail: string): Refused => new Refused('EVENT_SHAPE', pointer, detail);

function unknownMember(name: string, pointer: string, known: readonly string[]): Refused {
  const why = reserved.has(name)
    ? 'is set by intake and may not be sent'
    : `is not known here${suggestion(name, known)}`;
  return new Refused(
    'FIELD_UNKNOWN',
    below(pointer, name.slice(0, 128)),
    `the member ${quoted(name)} ${why}`,
  );
}

/** The spans of an event's members; one that is null counts as not given, but for the value. */
function spansOf(root: JsonSpan): ReadonlyMap<Member, JsonSpan> {
  if (root.kind !== 'object') throw shapeFault('', `an event is an object, not ${root.kind}`);
  const spans = new Map<Member, JsonSpan>();
  for (const { key, value } of root.members!) {
    if (!isMember(key)) throw unknownMember(key, '', members);
    if (value.kind !== 'null' || key === 'value') spans.set(key, value);
  }
  return spans;
}

/** Years 0001 to 9999, with a zone; digits beyond milliseconds are dropped. */
const isoTime =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|[+-](\d{2}):(\d{2}))$/;

function readTime(text: string): number | undefined {
  const match = isoTime.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  // Date.parse takes 30 February for 1 March.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  const time = Date.parse(text);
  return exists && !Number.isNaN(time) ? time : undefined;
}

/** Reads members out of one event's text. The text was judged before: no key twice, no lossy number. */
class EventText {
  private readonly bytes: Buffer;
  private readonly spans: ReadonlyMap<Member, JsonSpan>;

  constructor(bytes: Buffer, root: JsonSpan) {
    this.bytes = bytes;
    this.spans = spansOf(root);
  }

  raw(name: Member): Buffer | undefined {
    const span = this.spans.get(name);
    return span === undefined ? undefined : this.bytes.subarray(span.start, span.end);
  }

  isNull(name: Member): boolean {
    return (this.spans.get(name)?.kind ?? 'null') === 'null';
  }

  text(name: Member): string | null {
    const span = this.spans.get(name);
    if (span === undefined) return null;
    if (span.kind !== 'string') throw shapeFault(below('', name), `is a text, not ${span.kind}`);
    const text = this.bytes.toString('utf8', span.start + 1, span.end - 1);
    return text.includes('\\') ? String(this.parsed(span)) : text;
  }

  required(name: Member): string {
    const text = this.text(name);
    if (text === null) throw shapeFault(below('', name), 'is required');
    return text;
  }

  uuid(name: Member): string | null {
    const text = this.text(name)?.toLowerCase() ?? null;
    if (text !== null && !isUuid(text)) throw shapeFault(below('', name), 'is a UUID with hyphens');
    return text;
  }

  time(name: Member): number | null {
    const span = this.spans.get(name);
    if (span === undefined) return null;
    const pointer = below('', name);
    if (span.kind === 'number') return Number(this.parsed(span));
    const time = span.kind === 'string' ? readTime(this.required(name)) : undefined;
    if (time === undefined)
      throw shapeFault(pointer, 'is a time: ISO 8601 with a zone, or milliseconds since 1970');
    return time;
  }

  parsed(span: JsonSpan): unknown {
    return JSON.parse(this.bytes.toString('utf8', span.start, span.end));
  }

  object(name: Member): Record<string, unknown> | null {
    const span = this.spans.get(name);
    if (span === undefined) return null;
    if (span.kind !== 'object') throw shapeFault(below('', name), `is an object, not ${span.kind}`);
    return this.parsed(span) as Record<string, unknown>;
  }
}

function readChange(event: EventText): Change {
  const text = event.text('change');
  if (text === null) return 'UPSERT';
  const change = changes.find((known) => known === text);
  if (change === undefined) throw shapeFault('/change', `is one of ${changes.join(', ')}`);
  return change;
}

function readExpect(event: EventText): Position | null {
  const text = event.text('expect');
  if (text === null) return null;
  const position = text === 'absent' ? mustNotExist : parsePosition(text);
  if (position === undefined)
    throw shapeFault('/expect', 'is "absent" or the position of the change this one is based on, as 1-0-42');
  return position;
}

function readSource(event: EventText): Source | null {
  const object = event.object('source');
  if (object === null) return null;
  const unknown = Object.keys(object).find((name) => !sourceMembers.some((known) => known === name));
  if (unknown !== undefined) throw unknownMember(unknown, '/source', sourceMembers);
  const text = (name: (typeof sourceMembers)[number]): string => {
    const value = object[name] ?? '';
    if (typeof value !== 'string') throw shapeFault(`/source/${name}`, 'is a text');
    return value;
  };
  const foreign: unknown = object.foreign ?? {};
  if (typeof foreign !== 'object' || foreign === null || Array.isArray(foreign))
    throw shapeFault('/source/foreign', 'is an object of texts');
  const entries = Object.entries(foreign).map(([key, value]): [string, string] => {
    if (typeof value !== 'string') throw shapeFault(below('/source/foreign', key), 'is a text');
    return [key, value];
  });
  return {
    plugin: text('plugin'),
    version: text('version'),
    runId: text('runId'),
    foreign: new Map(entries),
  };
}

/** The value as it stands in the request, without the space around it. */
function readValue(event: EventText, change: Change): Buffer | null {
  const raw = event.raw('value');
  if (change !== 'DELETE') {
    if (raw === undefined) throw shapeFault('/value', `is required for ${change}`);
    return raw;
  }
  if (!event.isNull('value')) throw shapeFault('/value', 'a DELETE has no value');
  return null;
}

/**
 * One event of a request as its sender meant it: members known, each of the right type. `root` is its span in `bytes`, whose
 * text was judged; its `value` is a view into `bytes`. Throws a refusal (EVENT_SHAPE, FIELD_UNKNOWN).
 */
export function readEventShape(bytes: Buffer, root: JsonSpan): IncomingEvent {
  const event = new EventText(bytes, root);
  const change = readChange(event);
  const aspect = event.text('aspect');
  if (aspect === null && change !== 'DELETE') throw shapeFault('/aspect', `is required for ${change}`);
  return {
    urn: event.required('urn'),
    aspect,
    change,
    value: readValue(event, change),
    id: event.uuid('id'),
    occurredAt: event.time('occurredAt'),
    expect: readExpect(event),
    actor: event.text('actor'),
    group: event.uuid('group'),
    source: readSource(event),
    correlationId: event.text('correlationId'),
    causationId: event.text('causationId'),
    opaqueAllowed: false,
  };
}

/** The URN of an event that was refused, where it can be told. */
export function urnIn(bytes: Buffer, root: JsonSpan): string | undefined {
  const span = root.members?.find(({ key }) => key === 'urn')?.value;
  if (span?.kind !== 'string' || span.end - span.start > limits.urnBytesMax * 6) return undefined;
  return String(JSON.parse(bytes.toString('utf8', span.start, span.end)));
}
