import { isLive } from '../../src/domain/entity-state.ts';
import { entities } from '../../src/projections/entities.ts';
import type { Projection } from '../../src/projections/projection.ts';

const { projection, fields } = entities.definition;
const noted = /,"live":(\d+)\}$/;

/** `entities` as a next version may be: each document ends with how many aspects have a value, and is found by it. */
const entitiesV2: Projection = {
  ...entities,
  definition: { projection, version: 2, fields: { ...fields, live: 'long' } },
  frozen: 'e2'.repeat(32),
  stateDocument(state) {
    const { id, version, body, search } = entities.stateDocument(state);
    const live = state.heads.filter((head) => head.live).length;
    return {
      ...{ id, version, body: Buffer.concat([body.subarray(0, -1), Buffer.from(`,"live":${live}}`)]) },
      search: search === null || !isLive(state) ? null : { ...search, live },
    };
  },
  searchOf(document) {
    const search = entities.searchOf(document);
    if (search === null) return null;
    return { ...search, live: Number(noted.exec(Buffer.from(document.body).toString())?.[1]) };
  },
};

export default entitiesV2;
