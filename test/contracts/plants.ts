import type { ModelIndex } from '../../src/ports/read-model.ts';

/** What may befall an index behind its adapter's back. Each leaves everything else as it was. */
export interface Plants {
  /** The engine no longer indexes a field as it was declared. */
  shape(index: ModelIndex, field: string): Promise<void>;
  /** The engine leaves a document's values of a field (after `shape`) out of its search, and says nothing. */
  lost(index: ModelIndex, id: string, field: string): Promise<void>;
  /** A document is found by another value of a keyword than its body says. */
  value(index: ModelIndex, id: string, field: string): Promise<void>;
  /** A document is gone, with all that would remember it. */
  gone(index: ModelIndex, id: string): Promise<void>;
  /** A document's body is another one, at its version or at a given one. */
  body(index: ModelIndex, id: string, change: (body: string) => string, version?: number): Promise<void>;
}
