import { type Cut, isBefore } from '../../domain/cut.ts';
import { Fault } from '../../domain/fault.ts';
import { type Position, parsePosition } from '../../domain/position.ts';
import type { Hit, Page } from '../../ports/read-model.ts';
import { cutAfter, type EventSearch, eventQuery, type Readable } from '../../projections/queries.ts';
import type { Annal } from '../annal.ts';
import { reading } from './reading.ts';
import type { Waiting } from './waiting.ts';

export interface Followed {
  readonly hits: readonly Hit[];
  readonly total: number;
  /** Where to go on: nothing before it is missing, also not what a filter passed over. */
  readonly cut: Cut;
}

export interface Following {
  readonly annal: Annal;
  /** Oldest first. */
  readonly search: EventSearch;
  readonly readable: Readable;
  readonly from: Cut;
  readonly waitMs: number;
  readonly waiting: Waiting;
  /** Whoever asked has gone. */
  readonly gone: () => boolean;
}

/**
 * Events behind `from` that lie before the cut of the index, as soon as there are any; none after `waitMs`, or once the
 * server closes. An event that shows beyond the index's cut is left to the next answer: one before it may not show yet.
 */
export async function follow(following: Following): Promise<Followed> {
  const { annal, search, readable, from, waitMs, waiting, gone } = following;
  const deadline = performance.now() + waitMs;
  for (;;) {
    const at = (await annal.cut('history')) ?? from;
    const page = await reading(annal, 'history', (index) =>
      index.query(eventQuery({ ...search, afterCut: from }, readable)),
    );
    const hits = page.hits.filter((hit) => isBefore(positionOf(hit), at));
    const leftMs = deadline - performance.now();
    if (hits.length > 0) return { hits, total: page.total, cut: cutBehind(page, hits, from, at) };
    if (leftMs <= 0 || waiting.over || gone())
      return { hits, total: 0, cut: page.hits.length === 0 ? later(from, at) : from };
    await waiting.for(annal.moved('history', at, Math.ceil(leftMs)));
  }
}

const cutBehind = (page: Page, hits: readonly Hit[], from: Cut, at: Cut): Cut =>
  page.total > page.hits.length ? cutAfter(from, hits.map(positionOf)) : later(from, at);

/** The later of two cuts of one log; within an epoch the later end of each partition. */
export function later(a: Cut, b: Cut): Cut {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch ? a : b;
  return { epoch: a.epoch, next: a.next.map((next, partition) => Math.max(next, b.next[partition] ?? 0)) };
}

function positionOf({ id }: Hit): Position {
  const position = parsePosition(id.slice(1));
  if (position === undefined) throw new Fault('MODEL_CORRUPT', { reason: 'no event has this id', id });
  return position;
}
