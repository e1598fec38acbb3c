import { limits } from '../domain/event.ts';
import { isUuid } from '../formats/uuid8.ts';
import { PublishError } from './publish-error.ts';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [member: string]: JsonValue };

/** Who sends a change: name and version of the plugin, its run, coordinates in the system it looks at. */
export interface ChangeSource {
  readonly plugin: string;
  readonly version?: string;
  readonly runId?: string;
  readonly foreign?: Readonly<Record<string, string>>;
}

/** One change of metadata, as its sender means it (docs/formats/intake.md). */
export interface Change {
  /** At most 512 bytes. */
  readonly urn: string;
  /** Left out or null only where a DELETE means the whole entity. */
  readonly aspect?: string | null;
  /** `UPSERT` when left out. A PATCH's value is an RFC 6902 document; a DELETE has none. */
  readonly change?: 'UPSERT' | 'PATCH' | 'DELETE';
  /** At most 768 KiB as JSON. */
  readonly value?: JsonValue;
  /** A UUID, lower case. Made where there is none; the same id again has no second effect. */
  readonly id?: string;
  /** UTC milliseconds; now, where it is left out. Shown, never used for order. */
  readonly occurredAt?: number;
  /** `absent`, or the position of the change that this one is based on: else it is in the log and has no effect. */
  readonly expect?: 'absent' | (string & {});
  /** A UUID shared by the changes of one save. */
  readonly group?: string;
  /** URN of whom the sender names. Who was authenticated is written beside it by the server. */
  readonly actor?: string;
  readonly source?: ChangeSource;
  readonly correlationId?: string;
  readonly causationId?: string;
}

/** A change that can be sent again and again as the same one. */
export interface ReadyChange extends Change {
  readonly id: string;
  readonly occurredAt: number;
}

/**
 * Where a change was acknowledged. In the `log` it stands for ever, at its position `<epoch>-<partition>-<offset>`. In the
 * `inbox` (`<partition>-<offset>` of that topic) it is kept by the broker, and is judged and carried into the log afterwards.
 */
export interface Place {
  readonly where: 'log' | 'inbox';
  readonly position: string;
}

/** A change that was acknowledged. */
export interface Published {
  readonly urn: string;
  readonly aspect: string | null;
  readonly id: string;
  readonly place: Place;
  /** It was there before: this sending had no effect of its own. */
  readonly repeated: boolean;
}

/** `log:1-0-41` or `inbox:0-17`. */
export const placeText = ({ where, position }: Place): string => `${where}:${position}`;

const refuse = (code: 'EVENT_SHAPE' | 'URN_INVALID' | 'VALUE_TOO_LARGE', pointer: string, detail: string) =>
  new PublishError(code, { pointer, detail });

/**
 * The JSON text of a change's value; null for a DELETE. Judged here as far as both ways in would refuse it alike, for the
 * inbox tells no sender afterwards. Throws a `PublishError`.
 */
export function checkedValue({ urn, aspect, change, value, id, group }: Change): Buffer | null {
  if (typeof urn !== 'string' || urn === '') throw refuse('URN_INVALID', '/urn', 'a change names an entity');
  if (Buffer.byteLength(urn) > limits.urnBytesMax)
    throw refuse('URN_INVALID', '/urn', `has more than ${limits.urnBytesMax} bytes`);
  for (const [name, uuid] of Object.entries({ id, group }))
    if (uuid !== undefined && !isUuid(uuid)) throw refuse('EVENT_SHAPE', `/${name}`, 'is a UUID');
  if (change === 'DELETE') {
    if (value !== undefined) throw refuse('EVENT_SHAPE', '/value', 'a DELETE has no value');
    return null;
  }
  if (aspect === undefined || aspect === null)
    throw refuse('EVENT_SHAPE', '/aspect', 'is required but where a whole entity is deleted');
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw refuse('EVENT_SHAPE', '/value', 'is required');
  const bytes = Buffer.from(text);
  if (bytes.length > limits.valueBytesMax)
    throw refuse('VALUE_TOO_LARGE', '/value', `has ${bytes.length} bytes, at most ${limits.valueBytesMax}`);
  return bytes;
}
