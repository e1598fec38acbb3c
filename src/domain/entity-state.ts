import type { Change } from './event.ts';
import type { Outcome } from './outcome.ts';
import { type Position, versionOf } from './position.ts';

/** An event as the fold sees it: what it decides on, and the bytes it came in. */
export interface FoldEvent {
  readonly urn: string;
  readonly aspect: string | null;
  readonly change: Change;
  readonly id: string;
  readonly namespace: string;
  readonly entityType: string;
  readonly expect: Position | null;
  /** Avro bytes of the whole event, unframed. Its value is looked at by a PATCH and by the final document only. */
  readonly avro: Uint8Array;
}

/** The last applied change of one aspect. */
export interface Head {
  readonly aspect: string;
  readonly position: Position;
  /** Append time made monotone, UTC milliseconds. */
  readonly time: number;
  /** Avro bytes of the event that is the head. */
  readonly avro: Uint8Array;
  /** Whether the aspect has a value after it; false = deleted. */
  readonly live: boolean;
  /** The value after a PATCH, UTF-8 JSON; null where it is the event's own. */
  readonly patched: Uint8Array | null;
}

export interface RememberedId {
  readonly id: string;
  readonly position: Position;
}

/**
 * All that decides the outcome of the next event of one URN, tombstones included. Immutable. The same events give the
 * same state, whatever the batches.
 */
export interface EntityState {
  readonly urn: string;
  readonly entityType: string;
  readonly namespace: string;
  /** Position and time of the last event, effect or none. */
  readonly position: Position;
  readonly time: number;
  /** Position of the last applied change of the entity; null before the first one. */
  readonly changed: Position | null;
  /** Sorted by aspect name; deleted aspects stay as heads without a value. */
  readonly heads: readonly Head[];
  /** The last 16 ids, oldest first. */
  readonly ids: readonly RememberedId[];
}

export interface Step {
  readonly before: EntityState | undefined;
  readonly after: EntityState;
  readonly event: FoldEvent;
  readonly position: Position;
  readonly time: number;
  readonly outcome: Extract<Outcome, 'applied' | 'duplicate' | 'conflict' | 'patch-failed'>;
  /** Why an event had no effect, for people. */
  readonly reason: string | undefined;
  readonly duplicateOf: Position | undefined;
}

export type PatchResult =
  | { readonly ok: true; readonly value: Uint8Array }
  | { readonly ok: false; readonly reason: string };

/** Applies the RFC 6902 document that a PATCH carries to the value of a live head, whole or not at all; pure. */
export type PatchHead = (head: Head, patch: FoldEvent) => PatchResult;

export const rememberedIdsMax = 16;

export const isLive = (state: EntityState): boolean => state.heads.some((head) => head.live);

export const headOf = (state: EntityState | undefined, aspect: string): Head | undefined =>
  state?.heads.find((head) => head.aspect === aspect);

/**
 * Folds one event into the state of its URN and decides its outcome. Pure; never parses a value unless the change is a
 * PATCH. `position` must be above `before.position`: the caller skips what was folded already.
 */
export function fold(
  before: EntityState | undefined,
  event: FoldEvent,
  position: Position,
  time: number,
  patch: PatchHead,
): Step {
  const first = before?.ids.find((known) => known.id === event.id);
  const decided =
    first === undefined
      ? decide(before, event, position, time, patch)
      : { outcome: 'duplicate' as const, reason: undefined, heads: undefined };
  const ids = before?.ids ?? [];
  const after: EntityState = {
    urn: event.urn,
    entityType: event.entityType,
    namespace: event.namespace,
    position,
    time,
    changed: decided.outcome === 'applied' ? position : (before?.changed ?? null),
    heads: decided.heads ?? before?.heads ?? [],
    ids:
      first === undefined
        ? [...(ids.length < rememberedIdsMax ? ids : ids.slice(1)), { id: event.id, position }]
        : ids,
  };
  const { outcome, reason } = decided;
  return { before, after, event, position, time, outcome, reason, duplicateOf: first?.position };
}

type Decision =
  | { readonly outcome: 'applied'; readonly reason: undefined; readonly heads: readonly Head[] }
  | { readonly outcome: 'conflict' | 'patch-failed'; readonly reason: string; readonly heads: undefined };

const failed = (outcome: 'conflict' | 'patch-failed', reason: string): Decision => ({
  outcome,
  reason,
  heads: undefined,
});

function decide(
  before: EntityState | undefined,
  event: FoldEvent,
  position: Position,
  time: number,
  patch: PatchHead,
): Decision {
  const mismatch = event.expect === null ? undefined : expectMismatch(before, event, event.expect);
  if (mismatch !== undefined) return failed('conflict', mismatch);
  const heads = before?.heads ?? [];
  const { aspect, avro } = event;
  if (aspect === null) {
    const gone = heads.map((head) => ({
      aspect: head.aspect,
      position,
      time,
      avro,
      live: false,
      patched: null,
    }));
    return { outcome: 'applied', reason: undefined, heads: gone };
  }
  let patched: Uint8Array | null = null;
  if (event.change === 'PATCH') {
    const known = headOf(before, aspect);
    if (known === undefined || !known.live) return failed('patch-failed', 'the aspect has no value to patch');
    const result = patch(known, event);
    if (!result.ok) return failed('patch-failed', result.reason);
    patched = result.value;
  }
  const head = { aspect, position, time, avro, live: event.change !== 'DELETE', patched };
  return { outcome: 'applied', reason: undefined, heads: withHead(heads, head) };
}

function expectMismatch(
  before: EntityState | undefined,
  event: FoldEvent,
  expect: Position,
): string | undefined {
  const present =
    event.aspect === null
      ? before !== undefined && isLive(before)
      : headOf(before, event.aspect)?.live === true;
  if (expect.offset === -1) return present ? 'it exists, and was expected not to' : undefined;
  const last = event.aspect === null ? before?.changed : headOf(before, event.aspect)?.position;
  if (last === undefined || last === null) return 'it was expected to have been changed, and never was';
  const same = versionOf(last) === versionOf(expect) && last.partition === expect.partition;
  return same ? undefined : 'it was changed since the position that was expected';
}

function withHead(heads: readonly Head[], head: Head): readonly Head[] {
  const at = heads.findIndex((known) => known.aspect >= head.aspect);
  if (at < 0) return [...heads, head];
  const copy = heads.slice();
  copy.splice(at, heads[at]!.aspect === head.aspect ? 1 : 0, head);
  return copy;
}
