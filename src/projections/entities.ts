import { isLive } from '../domain/entity-state.ts';
import { versionOf } from '../domain/position.ts';
import type { Projection } from './projection.ts';
import { entityFields, entitySearchFields } from './search-fields.ts';
import { headEvents, stateText } from './state-text.ts';

/** One document per URN: its current aspects as they were received, and what it is found by. */
export const entities: Projection = {
  definition: { projection: 'entities', version: 1, fields: entityFields },
  about: 'what is known now: one document per entity',
  stateId: (urn) => urn,
  stateDocument(state) {
    const events = headEvents(state);
    return {
      id: state.urn,
      version: versionOf(state.position),
      body: Buffer.from(stateText(state, events)),
      search: isLive(state) ? entitySearchFields(state, events) : null,
    };
  },
  drafts: () => [],
  settled: () => [],
  open: () => [],
  quarantined: () => [],
};
