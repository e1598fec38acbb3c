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
  /** Avro bytes of the whole event, unframed. */
  readonly avro: Uint8Array;
  /** UTF-8 JSON, opaque here; null for a DELETE. */
  readonly value: Uint8Array | null;
}

/** The last applied change of one aspect. */
export interface Head {
  readonly aspect: string;
  readonly position: Position;
  /** Append time made monotone, UTC milliseconds. */
  readonly time: number;
  /** Avro bytes of the event that is the head. */
  readonly avro: Uint8Array;
  /** The aspect's value after it: UTF-8 JSON as stored; null = deleted. */
  readonly value: Uint8Array | null;
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

/** Applies an RFC 6902 document (UTF-8 JSON) to a value (UTF-8 JSON), whole or not at all; pure. */
export type PatchValue = (value: Uint8Array, patch: Uint8Array) => PatchResult;

export const rememberedIdsMax = 16;

export const isLive = (state: EntityState): boolean => state.heads.some((head) => head.value !== null);

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
  patch: PatchValue,
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
  patch: PatchValue,
): Decision {
  const mismatch = event.expect === null ? undefined : expectMismatch(before, event, event.expect);
  if (mismatch !== undefined) return failed('conflict', mismatch);
  const heads = before?.heads ?? [];
  const { aspect, avro } = event;
  if (aspect === null) {
    const gone = heads.map((head) => ({ aspect: head.aspect, position, time, avro, value: null }));
    return { outcome: 'applied', reason: undefined, heads: gone };
  }
  let value = event.value;
  if (event.change === 'PATCH') {
    const known = headOf(before, aspect)?.value ?? null;
    if (known === null) return failed('patch-failed', 'the aspect has no value to patch');
    if (value === null) return failed('patch-failed', 'the event has no patch');
    const patched = patch(known, value);
    if (!patched.ok) return failed('patch-failed', patched.reason);
    value = patched.value;
  } else if (event.change === 'DELETE') value = null;
  return {
    outcome: 'applied',
    reason: undefined,
    heads: withHead(heads, { aspect, position, time, avro, value }),
  };
}

function expectMismatch(
  before: EntityState | undefined,
  event: FoldEvent,
  expect: Position,
): string | undefined {
  const present =
    event.aspect === null
      ? before !== undefined && isLive(before)
      : (headOf(before, event.aspect)?.value ?? null) !== null;
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
