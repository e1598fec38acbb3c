import { edges } from './edges.ts';
import { entities } from './entities.ts';
import { history } from './history.ts';
import type { Projection } from './projection.ts';

/** Every projection there is: one line each. */
export const projections: readonly Projection[] = [entities, history, edges];

export const projectionNamed = (name: string): Projection | undefined =>
  projections.find((projection) => projection.definition.projection === name);
