import { type EntityState, fold, type PatchHead, type Step } from '../domain/entity-state.ts';
import { versionOf } from '../domain/position.ts';
import { readEvent } from '../formats/event.ts';
import { patchValue } from '../formats/json-patch.ts';
import type { Document } from '../ports/read-model.ts';
import type { Draft, Projection } from './projection.ts';
import type { ReadRecord } from './read-record.ts';

export interface Folded {
  /** Documents to store first: at most one per id, the newest. */
  readonly documents: readonly Document[];
  /** Documents that carry the states of all touched URNs; stored after `documents`. */
  readonly states: readonly Document[];
}

/** URNs whose state a batch needs. */
export function urnsOf(batch: readonly ReadRecord[]): string[] {
  const urns = new Set<string>();
  for (const read of batch) if (read.kind === 'event') urns.add(read.event.urn);
  return [...urns];
}

/**
 * Folds a batch over the states known before it and changes `states` in place to those after it. Events at or below a
 * state's position were folded before and are skipped, so delivering any stretch again changes nothing.
 */
export function foldBatch(
  projection: Projection,
  states: Map<string, EntityState>,
  batch: readonly ReadRecord[],
): Folded {
  const drafts = new Map<string, Draft>();
  const touched = new Set<string>();
  for (const read of batch) {
    if (read.kind === 'quarantined') {
      for (const draft of projection.quarantined(read.record)) drafts.set(draft.id, draft);
      continue;
    }
    const step = foldEvent(states, read);
    if (step === undefined) continue;
    touched.add(step.after.urn);
    for (const draft of projection.drafts(step)) drafts.set(draft.id, draft);
  }
  return {
    documents: [...drafts.values()].map((draft) => draft.render()),
    states: [...touched].map((urn) => projection.stateDocument(states.get(urn)!)),
  };
}

/** Folds one event into `states`; undefined where the state has seen it already. */
export function foldEvent(
  states: Map<string, EntityState>,
  read: Extract<ReadRecord, { kind: 'event' }>,
): Step | undefined {
  const step = foldNext(states.get(read.event.urn), read);
  if (step !== undefined) states.set(read.event.urn, step.after);
  return step;
}

/** Folds one event into the state of its URN; undefined where the state has seen it already. */
export function foldNext(
  before: EntityState | undefined,
  { event, position, time }: Extract<ReadRecord, { kind: 'event' }>,
): Step | undefined {
  if (before !== undefined && versionOf(position) <= versionOf(before.position)) return undefined;
  return fold(before, event, position, time, patchHead);
}

const nothing = Buffer.alloc(0);

const patchHead: PatchHead = (head, patch) =>
  patchValue(head.patched ?? readEvent(head.avro).value ?? nothing, readEvent(patch.avro).value ?? nothing);
