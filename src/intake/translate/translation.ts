import type { FaultCode } from '../../domain/fault.ts';
import type { AvroSchema } from '../../formats/avro-schema.ts';
import { uuid8 } from '../../formats/uuid8.ts';
import type { IncomingEvent } from '../incoming-event.ts';

/** Names of aspects that are taken as opaque JSON where no schema is known; `*` = every aspect. */
export type AspectAllowList = readonly string[];

/** Where a foreign record stands. `source` is the bridge's configured name, changed when its topic is made again. */
export interface ForeignPlace {
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Of the foreign log, UTC milliseconds; −1 = none. */
  readonly appendTime: number;
}

/** What a foreign record says in our words, or why it cannot be said; then of whom, as far as that can be told. */
export type Translation =
  | { readonly events: readonly IncomingEvent[] }
  | {
      readonly refusal: { readonly code: FaultCode; readonly pointer: string; readonly detail: string };
      readonly urn: string | null;
      readonly entityType: string | null;
      readonly aspect: string | null;
    };

/** One way in which others write changes. Pure: no clock, no world. */
export interface Dialect {
  /** Part of blob names and of the principal `bridge:<name>`. */
  readonly name: string;
  /** `payload` is Avro of `schema`, unframed. Throws AVRO_INVALID where it is not, or exceeds the decoding bounds. */
  translate(schema: AvroSchema, payload: Uint8Array, place: ForeignPlace): Translation;
}

/** The id of the `index`-th event of a foreign record: read again, it is the same. */
export const bridgeId = ({ source, topic, partition, offset }: ForeignPlace, index: number): string =>
  uuid8('annal-id/bridge', source, topic, String(partition), String(offset), String(index));
