import { type Cut, formatCut } from '../domain/cut.ts';
import { differingPointers } from '../formats/json-difference.ts';
import { recordHash } from '../formats/leaf.ts';
import { bucketOf, type RootBuilder, rootOf } from '../formats/root.ts';
import type { Document } from '../ports/read-model.ts';
import type { Draft, Projection } from '../projections/projection.ts';
import type { Epoch } from './epochs.ts';
import { type FoldCounts, foldHistory, type History } from './fold-history.ts';

/** A document that two folds of one history do not agree on; null = one of them does not have it. */
export interface Disagreement {
  readonly id: string;
  readonly firstVersion: number | null;
  readonly secondVersion: number | null;
  /** The first members, as JSON pointers, whose text differs. */
  readonly pointers: readonly string[];
}

export interface FoldCheck {
  readonly projection: string;
  readonly version: number;
  readonly cut: string;
  readonly events: number;
  readonly documents: number;
  readonly firstRoot: string;
  readonly secondRoot: string;
  /** What the fold asked for besides what it is given: names of the clock, of chance, network or environment. */
  readonly asked: readonly string[];
  /** Equal roots, and nothing asked for. */
  readonly pure: boolean;
  /** At most 100 of them. */
  readonly disagreements: readonly Disagreement[];
  readonly disagreeing: number;
}

/** A world that a fold should not look at. */
export interface DeniedWorld {
  /** Runs `work` in it: clock and chance answer otherwise each time, the rest is refused; all of it is noted. */
  within<Result>(work: () => Result): Result;
  asked(): readonly string[];
}

const disagreementsMax = 100;
const pointersMax = 10;
const bodiesMaxBytes = 64 * 1024 * 1024;
/** A sixteenth of what a rebuild folds at once: a history that is larger is shared out otherwise. */
const smallWindowBytes = 4 * 1024 * 1024;

type Fold = (
  counts: FoldCounts,
) => AsyncIterable<readonly Document[]> | Iterable<AsyncIterable<readonly Document[]>>;

/**
 * Folds a history twice: as a rebuild does, and with its lanes in another order and its records gathered otherwise, in a
 * world that denies clock, chance, network and environment. Equal roots show that neither how a history is cut nor anything
 * beside it decides what a projection makes of it.
 */
export async function checkFold(
  projection: Projection,
  history: History,
  world: DeniedWorld,
  onProgress: (records: number, total: number) => void,
  signal: AbortSignal,
  windowBytes = smallWindowBytes,
): Promise<FoldCheck> {
  const guarded = inWorld(projection, world);
  const total = 2 * history.until.next.reduce((sum, next) => sum + next, 0);
  let before = 0;
  async function folded(fold: Fold, keep: (documents: readonly Document[]) => void): Promise<FoldCounts> {
    const counts: FoldCounts = { records: 0, outcomes: {} };
    for await (const documents of flat(fold(counts))) {
      signal.throwIfAborted();
      keep(documents);
      onProgress(before + counts.records, total);
    }
    before += counts.records;
    return counts;
  }
  const none = (): void => undefined;
  const first: Fold = (counts) => foldHistory(guarded, history, counts, none);
  const second: Fold = (counts) =>
    lanesBackwards(history).map((part) => foldHistory(guarded, part, counts, none, windowBytes));
  const rooted = async (fold: Fold): Promise<{ root: RootBuilder; events: number }> => {
    const root = rootOf();
    const { records } = await folded(fold, (documents) => {
      for (const { id, version, body } of documents) root.add(id, version, body);
    });
    return { root, events: records };
  };
  const [one, two] = [await rooted(first), await rooted(second)];
  const [firstRoot, secondRoot] = [one.root.root(), two.root.root()];
  const equal = firstRoot === secondRoot;
  before = 0;
  const disagreements = equal
    ? []
    : await named(
        differingBuckets(one.root, two.root),
        (keep) => folded(first, keep),
        (keep) => folded(second, keep),
      );
  const asked = world.asked();
  return {
    ...{ projection: projection.definition.projection, version: projection.definition.version },
    ...{ cut: formatCut(history.until), events: one.events, documents: one.root.size, firstRoot, secondRoot },
    ...{ asked, pure: equal && asked.length === 0, disagreeing: disagreements.length },
    disagreements: disagreements.slice(0, disagreementsMax),
  };
}

async function* flat(folds: ReturnType<Fold>): AsyncGenerator<readonly Document[]> {
  if (Symbol.asyncIterator in folds) yield* folds;
  else for (const fold of folds) yield* fold;
}

/**
 * The same history lane by lane, the last one first, where a URN has one lane in all epochs; else whole, for a lane alone would
 * miss what its URNs did in others.
 */
function lanesBackwards(history: History): readonly History[] {
  const { epochs, until } = history;
  const partitions = until.next.length;
  if (epochs.some((epoch) => epoch.epoch <= until.epoch && epoch.partitions !== partitions)) return [history];
  const alone = (next: readonly number[], lane: number): number[] =>
    next.map((end, partition) => (partition === lane ? end : 0));
  return Array.from({ length: partitions }, (_, n) => partitions - 1 - n).map((lane) => ({
    ...history,
    until: { ...until, next: alone(until.next, lane) } satisfies Cut,
    epochs: epochs.map(
      (epoch): Epoch =>
        epoch.previous === null
          ? epoch
          : { ...epoch, previous: { ...epoch.previous, next: alone(epoch.previous.next, lane) } },
    ),
  }));
}

/** A projection all of whose work is done in a world. */
function inWorld(projection: Projection, { within }: DeniedWorld): Projection {
  const drafts = (made: readonly Draft[]): Draft[] =>
    made.map((draft) => ({ ...draft, render: () => within(draft.render) }));
  return {
    ...projection,
    stateId: (urn) => within(() => projection.stateId(urn)),
    stateDocument: (state) => within(() => projection.stateDocument(state)),
    drafts: (step) => drafts(within(() => projection.drafts(step))),
    settled: (step) => drafts(within(() => projection.settled(step))),
    open: (state) => drafts(within(() => projection.open(state))),
    quarantined: (record) => drafts(within(() => projection.quarantined(record))),
  };
}

function differingBuckets(a: RootBuilder, b: RootBuilder): ReadonlySet<number> {
  const [left, right] = [a.buckets(), b.buckets()];
  return new Set(left.flatMap((hash, bucket) => (hash.equals(right[bucket]!) ? [] : [bucket])));
}

interface Kept {
  readonly version: number;
  readonly hash: Buffer;
  /** As long as there is room. */
  readonly body: Buffer | undefined;
}

type Keeping = (keep: (documents: readonly Document[]) => void) => Promise<unknown>;

async function named(buckets: ReadonlySet<number>, first: Keeping, second: Keeping): Promise<Disagreement[]> {
  let room = bodiesMaxBytes;
  const keeping = async (fold: Keeping): Promise<Map<string, Kept>> => {
    const kept = new Map<string, Kept>();
    await fold((documents) => {
      for (const { id, version, body } of documents) {
        if (!buckets.has(bucketOf(id))) continue;
        room -= body.length;
        kept.set(id, { version, hash: recordHash(body), body: room < 0 ? undefined : Buffer.from(body) });
      }
    });
    return kept;
  };
  const [one, two] = [await keeping(first), await keeping(second)];
  return [...new Set([...one.keys(), ...two.keys()])].sort().flatMap((id): Disagreement[] => {
    const [a, b] = [one.get(id), two.get(id)];
    if (a !== undefined && b !== undefined && a.version === b.version && a.hash.equals(b.hash)) return [];
    return [
      {
        ...{ id, firstVersion: a?.version ?? null, secondVersion: b?.version ?? null },
        pointers: a?.body === undefined || b?.body === undefined ? [] : pointersTo(a.body, b.body),
      },
    ];
  });
}

function pointersTo(a: Buffer, b: Buffer): readonly string[] {
  try {
    return differingPointers(JSON.parse(a.toString('utf8')), JSON.parse(b.toString('utf8')), pointersMax);
  } catch (error) {
    if (error instanceof SyntaxError) return ['the body is not JSON'];
    throw error;
  }
}
