import type { EntityState } from '../domain/entity-state.ts';
import { EventSpans } from '../formats/event-spans.ts';
import { type ReadValue, readValue } from './event-text.ts';

/** What a document shows of a head, read once. */
export interface HeadContent {
  readonly event: EventSpans;
  /** The value that is there after it; undefined for a deleted aspect. */
  readonly value: ReadValue | undefined;
}

/** The contents of a state's heads, in their order. */
export const headContents = (state: EntityState): HeadContent[] =>
  state.heads.map(({ avro, live, patched }) => {
    const event = new EventSpans(avro);
    const value = live ? (patched ?? event.value) : null;
    return { event, value: value === null ? undefined : readValue(value) };
  });
