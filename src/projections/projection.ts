import type { EntityState, Step } from '../domain/entity-state.ts';
import type { Quarantine } from '../domain/outcome.ts';
import type { Position } from '../domain/position.ts';
import type { Document, ModelDefinition, SearchFields } from '../ports/read-model.ts';
import type { Folding } from './folding.ts';

/** A document that is rendered only if nothing later in the batch replaces it. `render` is pure. */
export interface Draft {
  readonly id: string;
  readonly version: number;
  readonly render: () => Document;
}

/** A record that reaches no entity, and why. */
export interface Quarantined {
  readonly outcome: Quarantine;
  readonly reason: string;
  readonly position: Position;
  readonly time: number;
  /** The record's key where it is a URN, else null. */
  readonly urn: string | null;
}

/**
 * A pure fold from events to documents. It reads what it is given and nothing else: no clock, no randomness, no network,
 * no environment. What it makes of (before, event, after, outcome) is the same in every replay.
 */
export interface Projection {
  readonly definition: ModelDefinition;
  /**
   * SHA-256 of what this version makes of the frozen events of test/golden/projections: two programs with the same one fold
   * alike, as far as those events tell.
   */
  readonly frozen: string;
  /** What readers get, in a sentence. */
  readonly about: string;
  /** Id of the document that carries the state of a URN. */
  stateId(urn: string): string;
  /** The document that carries the state; written after the documents it vouches for. */
  stateDocument(state: EntityState): Document;
  /** Documents besides the state. Each draft's version is the position of the event that made it. */
  drafts(step: Step): readonly Draft[];
  /** Those of `drafts` that no later event of the URN changes, for a fold over all of history. */
  settled(step: Step): readonly Draft[];
  /** Documents besides the state that a later event of the URN may change: `settled` of all steps and these are all. */
  open(state: EntityState): readonly Draft[];
  /** Documents of a record that reaches no entity. */
  quarantined(record: Quarantined): readonly Draft[];
  /**
   * What a search should find a document by, from what is stored of it alone: equal to what the fold gave with it. Throws
   * for a body that no fold made.
   */
  searchOf(document: Pick<Document, 'id' | 'body'>): SearchFields | null;
  /** What reads its records and keeps its states, where that is not this program: of kept code. */
  readonly folding?: Folding;
}
