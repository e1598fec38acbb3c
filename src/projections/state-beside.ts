import { versionOf } from '../domain/position.ts';
import type { Projection } from './projection.ts';
import { stateText } from './state-text.ts';

/** The state of an entity as a document beside those that tell of its events: under `~` and its URN, found by no search. */
export const stateBeside: Pick<Projection, 'stateId' | 'stateDocument'> = {
  stateId: (urn) => `~${urn}`,
  stateDocument: (state) => ({
    id: `~${state.urn}`,
    version: versionOf(state.position),
    body: stateText(state),
    search: null,
  }),
};
