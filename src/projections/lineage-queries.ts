import { type Position, parsePosition, versionOf } from '../domain/position.ts';
import type { Condition, Query } from '../ports/read-model.ts';
import type { EdgeDocument, LifeDocument } from './edges.ts';
import { openEnd } from './history.ts';
import type { Moment, Readable } from './queries.ts';

/** `up`: what something is made from. `down`: what is made from it. */
export type Direction = 'up' | 'down';

/** Ends of one query. Most have one document or two: so that a page mostly is all of it. */
export const endsPerQuery = 500;
export const hitsPerQuery = 1_000;

/**
 * Documents that tell of an edge at one of `ends`, valid at the moment or, without one, now. At a moment there may be more:
 * `isValid` decides.
 */
export function edgeQuery(
  direction: Direction,
  ends: readonly string[],
  moment: Moment | undefined,
  namespaces: Readable,
  after?: readonly (string | number)[],
): Query {
  return {
    narrowest: { field: direction === 'up' ? 'outputs' : 'inputs', anyOf: ends },
    where: [
      ...(namespaces === 'all' ? [] : [{ field: 'namespace', anyOf: namespaces }]),
      ...(moment === undefined
        ? [{ field: 'to', anyOf: [openEnd] }]
        : [
            { field: 'from', below: moment.time + 1 },
            { field: 'to', from: moment.time },
          ]),
    ],
    sort: [{ field: 'position', order: 'asc' }],
    limit: hitsPerQuery,
    ...(after === undefined ? {} : { after }),
  };
}

/** Beginnings and ends of entities until the moment, newest first of each. */
export function lifeQuery(
  urns: readonly string[],
  moment: Moment | undefined,
  after?: readonly (string | number)[],
): Query {
  const until: Condition[] = moment === undefined ? [] : [{ field: 'from', below: moment.time + 1 }];
  return {
    narrowest: { field: 'urn', anyOf: urns },
    where: [{ field: 'aspect', anyOf: [''] }, ...until],
    sort: [
      { field: 'urn', order: 'asc' },
      { field: 'version', order: 'desc' },
      { field: 'position', order: 'asc' },
    ],
    limit: hitsPerQuery,
    ...(after === undefined ? {} : { after }),
  };
}

/** After all documents of one URN in the order of `lifeQuery`. */
export const behindLivesOf = (urn: string): readonly (string | number)[] => [urn, -1, ''];

/** Of the URN of a document: whether a position of the log is exact for it. */
export type IsExact = (urn: string) => boolean;

/** Whether what a document tells was so at the moment: by version in the partition of a position, else by time. */
export function isValid(
  told: EdgeDocument | LifeDocument,
  moment: Moment | undefined,
  isExact: IsExact,
): boolean {
  if (moment === undefined) return true;
  const to = 'aspect' in told ? told.to : null;
  if (!('position' in moment) || !isExact(told.urn))
    return told.time <= moment.time && (to === null || to.time > moment.time);
  const at = versionOf(moment.position);
  return versionIn(told.position) <= at && (to === null || versionIn(to.position) > at);
}

const versionIn = (text: string): number => versionOf(parsePosition(text) as Position);
