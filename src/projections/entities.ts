import { isLive } from '../domain/entity-state.ts';
import { versionOf } from '../domain/position.ts';
import { headContents } from './head-content.ts';
import type { Projection } from './projection.ts';
import { entityFields, entitySearchFields, searchFieldsOf } from './search-fields.ts';
import { stateText } from './state-text.ts';

/** One document per URN: its current aspects as they were received, and what it is found by. */
export const entities: Projection = {
  definition: { projection: 'entities', version: 1, fields: entityFields },
  frozen: '4f961a0edacd8f3bb088ea955e8581f468c9408f2030b0d08383a70e3987d23a',
  about: 'what is known now: one document per entity',
  stateId: (urn) => urn,
  stateDocument(state) {
    const contents = headContents(state);
    return {
      id: state.urn,
      version: versionOf(state.position),
      body: stateText(state, contents),
      search: isLive(state) ? entitySearchFields(state, contents) : null,
    };
  },
  drafts: () => [],
  settled: () => [],
  open: () => [],
  quarantined: () => [],
  searchOf: ({ body }) => searchFieldsOf(body),
};
