import type { Change, Source } from '../domain/event.ts';
import type { Position } from '../domain/position.ts';

/** A change as somebody sends it, in our words: what intake checks and completes. Null = not said. */
export interface IncomingEvent {
  readonly urn: string;
  readonly aspect: string | null;
  readonly change: Change;
  /** JSON text as received; null for a DELETE. */
  readonly value: Uint8Array | null;
  /** UUID, lower case. */
  readonly id: string | null;
  /** UTC milliseconds. */
  readonly occurredAt: number | null;
  readonly expect: Position | null;
  readonly actor: string | null;
  readonly group: string | null;
  readonly source: Source | null;
  readonly correlationId: string | null;
  readonly causationId: string | null;
  /** Whether an aspect without a schema is taken as opaque JSON: only where a bridge's allow list names it. */
  readonly opaqueAllowed: boolean;
}
