import type { Cut } from '../domain/cut.ts';
import { type Position, versionOf } from '../domain/position.ts';
import type { Condition, Query, SortKey } from '../ports/read-model.ts';
import { queryWords } from './words.ts';

/** Which namespaces a reader may see. Every query of the outside world carries it. */
export type Readable = 'all' | readonly string[];

const readable = (namespaces: Readable): Condition[] =>
  namespaces === 'all' ? [] : [{ field: 'namespace', anyOf: namespaces }];

const anyOf = (field: string, values: readonly string[] | undefined): Condition[] =>
  values === undefined || values.length === 0 ? [] : [{ field, anyOf: values }];

export interface EntitySearch {
  /** What somebody typed; the last word may be the beginning of one. */
  readonly text: string;
  readonly type?: readonly string[];
  readonly namespace?: readonly string[];
  readonly platform?: readonly string[];
  readonly owner?: readonly string[];
  readonly tag?: readonly string[];
  /** `plugin:root`, for example `scan:datalake`. */
  readonly source?: readonly string[];
  readonly limit: number;
  readonly after?: readonly (string | number)[];
}

/** Entities that hold all words: those whose name holds most of them first, then by URN. */
export function entityQuery(search: EntitySearch, namespaces: Readable): Query {
  const words = queryWords(search.text);
  const typing = !/\s$/u.test(search.text);
  const rank: SortKey[] = words.length === 0 ? [] : [{ rankBy: 'nameWords', words }];
  return {
    where: [
      ...readable(namespaces),
      ...(words.length === 0 ? [] : [{ field: 'words', words, prefix: typing }]),
      ...anyOf('type', search.type),
      ...anyOf('namespace', search.namespace),
      ...anyOf('platform', search.platform),
      ...anyOf('owners', search.owner),
      ...anyOf('tags', search.tag),
      ...anyOf('sources', search.source),
    ],
    sort: [...rank, { field: 'urn', order: 'asc' }],
    limit: search.limit,
    ...(search.after === undefined ? {} : { after: search.after }),
  };
}

export interface EventSearch {
  readonly urn?: readonly string[];
  readonly type?: readonly string[];
  readonly aspect?: readonly string[];
  readonly actor?: readonly string[];
  readonly namespace?: readonly string[];
  readonly outcome?: readonly string[];
  /** Append time, UTC milliseconds, [since, until). */
  readonly since?: number;
  readonly until?: number;
  /** Only events that do not lie before this cut. */
  readonly afterCut?: Cut;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after?: readonly (string | number)[];
}

/**
 * Events of `history` in order of append time, then epoch, partition, offset. Append times never fall within a
 * partition, so a page of ascending order is a whole stretch of each partition.
 */
export function eventQuery(search: EventSearch, namespaces: Readable): Query {
  const { order } = search;
  const time: Condition[] =
    search.since === undefined && search.until === undefined
      ? []
      : [
          {
            field: 'time',
            ...(search.since === undefined ? {} : { from: search.since }),
            ...(search.until === undefined ? {} : { below: search.until }),
          },
        ];
  return {
    where: [
      ...readable(namespaces),
      ...anyOf('urn', search.urn),
      ...anyOf('type', search.type),
      ...anyOf('aspect', search.aspect),
      ...anyOf('actor', search.actor),
      ...anyOf('namespace', search.namespace),
      ...anyOf('outcome', search.outcome),
      ...time,
      ...(search.afterCut === undefined ? [] : [notBefore(search.afterCut)]),
    ],
    sort: [
      { field: 'time', order },
      { field: 'epoch', order },
      { field: 'partition', order },
      { field: 'offset', order },
    ],
    limit: search.limit,
    ...(search.after === undefined ? {} : { after: search.after }),
  };
}

const notBefore = ({ epoch, next }: Cut): Condition => ({
  either: [
    [{ field: 'epoch', from: epoch + 1 }],
    ...next.map((offset, partition): Condition[] => [
      { field: 'epoch', anyOf: [epoch] },
      { field: 'partition', anyOf: [partition] },
      { field: 'offset', from: offset },
    ]),
  ],
});

/** A moment: an append time, or a position (exact for entities of its partition, by its time for others). */
export type Moment = { readonly time: number } | { readonly position: Position; readonly time: number };

const aspectsMax = 1_000;

/** What was valid of an entity at a moment: the events of `history` that were the heads of its aspects. */
export function asOfQuery(urn: string, partition: number, moment: Moment, namespaces: Readable): Query {
  const exact = 'position' in moment && moment.position.partition === partition;
  const [field, at] = exact ? ['Version', versionOf(moment.position)] : ['', moment.time];
  return {
    where: [
      ...readable(namespaces),
      { field: 'urn', anyOf: [urn] },
      { field: 'outcome', anyOf: ['applied'] },
      { field: `from${field}`, below: at + 1 },
      { field: `to${field}`, from: at + 1 },
    ],
    sort: [
      { field: 'aspect', order: 'asc' },
      { field: 'position', order: 'asc' },
    ],
    limit: aspectsMax,
  };
}

/** The cut after a page of events in ascending order, read with `from` as its start. */
export function cutAfter(from: Cut, read: readonly Position[]): Cut {
  const newest = Math.max(from.epoch, ...read.map((position) => position.epoch));
  const next = newest === from.epoch ? [...from.next] : [];
  for (const { epoch, partition, offset } of read) {
    if (epoch !== newest) continue;
    while (next.length <= partition) next.push(0);
    next[partition] = Math.max(next[partition]!, offset + 1);
  }
  return { epoch: newest, next };
}
