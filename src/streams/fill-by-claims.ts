import type { StateStore } from '../ports/archive.ts';
import { foldsOf } from './archive-names.ts';
import {
  type FillIndex,
  type FillProgress,
  type FillTask,
  filledOnRecord,
  foldInto,
  nothingFilled,
  plus,
  progressOf,
  storingInto,
} from './fill-index.ts';
import { type FinishedUnit, finishedUnits, recordUnits } from './finished-units.ts';
import {
  bucketNamed,
  chainNamed,
  chainsOf,
  type History,
  type LaneSpan,
  laneSpans,
  type OpenedChain,
  openChain,
} from './fold-history.ts';
import { membersOf, type UnitClaim, type UnitClaims, type UnitDone, unitClaims } from './unit-claims.ts';

/** One of several processes, on whatever machines, that fill one index. */
export interface Member {
  /** Its name, of this process alone. */
  readonly by: string;
  /** Where it begins, so that not all reach for the same: the `nth` of `of`, from 0. */
  readonly nth: number;
  readonly of: number;
}

/** How often to look what the others do, when there is nothing to take. */
const lookMs = 1_000;

/** A chain, or one bucket of it. */
interface Target {
  readonly unit: string;
  readonly nth: number;
  readonly chain: readonly LaneSpan[];
  readonly bucket?: number;
}

/**
 * Fills an index together with other processes that do the same: each takes a unit that nobody has, by a conditional write into
 * the archive's state, folds and stores it, makes it durable, puts it on record, and takes the next. A unit whose process fell
 * silent is taken over. Resolves once all units are done, whoever did them. A chain that is larger than a window is shared out by
 * one and then folded by all, bucket after bucket.
 */
export const fillByClaims =
  (member: Member): FillIndex =>
  async (lanes, task, onProgress) => {
    const { store, epochs } = lanes;
    const { record, until, signal } = task;
    const { clock, id } = record;
    const history: History = { ...lanes, until };
    const chains = [...chainsOf(laneSpans({ epochs, until })).entries()];
    const claims = unitClaims({ state: store.state, clock, id, by: member.by });
    const filler = fillerOf(history, task, await namesOnRecord(store.state, id));
    const buckets = new Map<number, readonly number[]>();
    const told = (further: FillProgress): void => onProgress(plus(doneIn(claims), further));

    /** What is not done yet, from where this one begins. */
    async function targets(): Promise<readonly Target[]> {
      const open: Target[] = [];
      for (const [nth, chain] of chains) {
        const target: Target = { unit: chainNamed(nth), nth, chain };
        const { done } = claims.find(target.unit) ?? { done: null };
        if (done === null) open.push(target);
        else if (done.sharedOut) {
          if (!buckets.has(nth)) buckets.set(nth, (await filler.open(target, '')).buckets);
          for (const bucket of buckets.get(nth)!)
            open.push({ unit: bucketNamed(target.unit, bucket), nth, chain, bucket });
        }
      }
      const left = open.filter(({ unit }) => (claims.find(unit)?.done ?? null) === null);
      const first = Math.floor((left.length * member.nth) / member.of);
      return [...left.slice(first), ...left.slice(0, first)];
    }

    async function takeOne(left: readonly Target[]): Promise<boolean> {
      for (const target of left) {
        signal.throwIfAborted();
        const took = await claims.take(target.unit, (claim, lost) => filler.fill(target, claim, lost, told));
        if (took) return true;
      }
      return false;
    }

    for (;;) {
      signal.throwIfAborted();
      await claims.look();
      told(nothingFilled);
      const left = await targets();
      if (left.length === 0) break;
      if (!(await takeOne(left))) await clock.wait(lookMs, signal);
    }
    return { ...(await filledOnRecord(store.state, id)), members: membersOf(claims.all()) };
  };

const namesOnRecord = async (state: StateStore, id: string): Promise<ReadonlySet<string>> =>
  new Set((await finishedUnits(state, id)).keys());

const doneIn = (claims: UnitClaims): FillProgress =>
  plus(...claims.all().map(({ done }) => ({ ...nothingFilled, ...done })));

interface Filler {
  open(target: Target, attempt: string): Promise<OpenedChain>;
  fill(
    target: Target,
    claim: UnitClaim,
    lost: AbortSignal,
    told: (further: FillProgress) => void,
  ): Promise<UnitDone>;
}

function fillerOf(history: History, task: FillTask, onRecord: ReadonlySet<string>): Filler {
  const { projection, record, signal, windowBytes } = task;
  const { state } = history.store;
  let finished = onRecord;

  const open: Filler['open'] = ({ nth, chain }, attempt) =>
    openChain(
      projection,
      history,
      { nth, chain },
      {
        place: { state, prefix: foldsOf(record.id) },
        isDone: (name) => finished.has(name),
        attempt,
        ...(windowBytes === undefined ? {} : { windowBytes }),
      },
    );

  async function fill(
    target: Target,
    { fence }: UnitClaim,
    lost: AbortSignal,
    told: (further: FillProgress) => void,
  ): Promise<UnitDone> {
    // Whoever had it before may have put it on record, and not have come to say so.
    if (fence > 1) finished = await namesOnRecord(state, record.id);
    if (target.bucket === undefined && finished.has(target.unit)) return notShared(nothingFilled);
    const chain = await open(target, `${fence}.`);
    if (target.bucket === undefined && chain.buckets.length > 0) return { sharedOut: true, ...nothingFilled };
    const ground = storingInto({ ...task, signal: AbortSignal.any([signal, lost]) });
    const units: FinishedUnit[] = [];
    try {
      for await (const unit of chain.units(target.bucket)) units.push(await foldInto(ground, unit, told));
      await ground.batches.idle();
      await task.index.refresh();
      lost.throwIfAborted();
      await recordUnits(state, record.id, units, `.${fence}`);
    } finally {
      await ground.batches.over();
    }
    return notShared(plus(...units.map(progressOf)));
  }

  return { open, fill };
}

const notShared = (done: FillProgress): UnitDone => ({ sharedOut: false, ...done });
