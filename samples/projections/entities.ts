import { entities } from '../../src/projections/entities.ts';
import type { Projection } from '../../src/projections/projection.ts';

/** `entities` as it is. Change what it makes of a state, and `annal projections preview` shows what would become of history. */
const changed: Projection = {
  ...entities,
  stateDocument: (state) => entities.stateDocument(state),
};

export default changed;
