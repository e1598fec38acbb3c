import { Fault, isFault } from '../domain/fault.ts';
import type { StateStore } from '../ports/archive.ts';
import type { Projection } from '../projections/projection.ts';
import { driftName } from './archive-names.ts';
import { atBarrier, barrierDefaults } from './barrier.ts';
import { withClaim } from './claim.ts';
import type { Difference } from './compare-model.ts';
import { type Look, lookAt, type VerifyContext } from './look.ts';

/** What the last comparison of a read model with the archive found, whoever made it. */
export interface Drift {
  readonly index: string;
  readonly cut: string;
  /** UTC ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly documents: number;
  /** Documents that differ, or are not found by a search; at most 10 of them by name. */
  readonly drifted: number;
  readonly first: readonly Pick<Difference, 'id' | 'what'>[];
}

const firstMax = 10;

/** Undefined where nobody compared yet, or left no record that can be read. */
export async function readDrift(state: StateStore, projection: string): Promise<Drift | undefined> {
  const found = await state.read(driftName(projection));
  if (found === undefined) return undefined;
  try {
    const { v, ...drift } = JSON.parse(found.bytes.toString('utf8')) as Drift & { readonly v?: unknown };
    return v === 1 ? drift : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes what a look found in the place of what was found before. */
export async function keepDrift(
  state: StateStore,
  { definition }: Projection,
  index: string,
  { compared, cut }: Look,
  times: Pick<Drift, 'startedAt' | 'endedAt'>,
): Promise<Drift> {
  const { documents, differences } = compared;
  const first = differences.slice(0, firstMax).map(({ id, what }) => ({ id, what }));
  const drift: Drift = { index, cut, ...times, documents, drifted: differences.length, first };
  const bytes = Buffer.from(`${JSON.stringify({ v: 1, ...drift })}\n`);
  await state.replace(driftName(definition.projection), bytes);
  return drift;
}

/**
 * Compares what serves a projection with the archive at a pace of so many documents a second, of either side. The claim is
 * held for the barrier alone, so rebuilds and verifications do not wait for it; where one of them swaps meanwhile, it rejects
 * with `MODEL_UNAVAILABLE`. `beat` is called between batches.
 */
export async function checkDrift(
  context: VerifyContext,
  projection: Projection,
  id: string,
  documentsPerSecond: number,
  signal: AbortSignal,
  beat: () => Promise<void> = async () => undefined,
): Promise<Drift> {
  const { store, model, clock, epochs } = context;
  const name = projection.definition.projection;
  const ground = { state: store.state, clock, projection: name };
  const options = { ...barrierDefaults, ...context.barrier };
  const startedAt = clock.now();
  const index = await model.serving(projection.definition);
  if (index === undefined)
    throw new Fault('MODEL_UNAVAILABLE', { projection: name, reason: 'no index serves yet' });
  let [seen, barriers] = [0, 0];
  async function pace(documents: number): Promise<void> {
    seen += documents;
    await beat();
    const aheadMs = (seen / documentsPerSecond) * 1_000 - (clock.now() - startedAt);
    await clock.wait(Math.max(0, aheadMs), signal);
  }
  const looked = await lookAt({
    ...{ context, projection, index, signal, pace, others: options.others },
    onProgress: () => undefined,
    snapshot: () =>
      withClaim(ground, { id, kind: 'verify' }, (lost, _fence, announce) => {
        const until = AbortSignal.any([signal, lost]);
        const asked = { id: `${id}-${++barriers}`, partitions: epochs.at(-1)!.partitions, announce };
        return atBarrier(ground, options, { ...asked, signal: until }, () => index.snapshot());
      }),
  });
  if ((await model.serving(projection.definition))?.name !== index.name)
    throw new Fault('MODEL_UNAVAILABLE', { missing: index.name, reason: 'another one serves' });
  return keepDrift(store.state, projection, index.name, looked, { startedAt, endedAt: clock.now() });
}

export interface DriftLimits {
  /** Of either side. */
  readonly documentsPerSecond: number;
  /** From the beginning of one check to that of the next. */
  readonly everyMs: number;
  /** From the start of this process to its first check. */
  readonly firstMs: number;
  /** How often to look whether one is due. */
  readonly lookMs: number;
}

export interface DriftWatch {
  readonly context: (projection: Projection) => VerifyContext;
  readonly projections: readonly Projection[];
  readonly limits: DriftLimits;
  readonly onChecked: (projection: string, drift: Drift) => void;
  /** A check that could not be made, and is tried again. */
  readonly onFault: (projection: string, fault: Fault) => void;
}

/**
 * Checks one projection after the other whenever the last check of it, by whatever process, began so long ago; a lease keeps
 * other processes from the same. Runs until `signal` aborts.
 */
export async function watchDrift(watch: DriftWatch, signal: AbortSignal): Promise<void> {
  const { projections, limits, onFault } = watch;
  const begun = new Map(projections.map((projection) => [projection, watch.context(projection).clock.now()]));
  while (!signal.aborted) {
    for (const [projection, startedAt] of begun) {
      const { projection: name } = projection.definition;
      try {
        await checkDue(watch, projection, startedAt + limits.firstMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!isFault(error)) throw error;
        onFault(name, error);
      }
    }
    const [projection] = projections;
    if (projection === undefined) return;
    await watch
      .context(projection)
      .clock.wait(limits.lookMs, signal)
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
  }
}

const renewMs = 20_000;

async function checkDue(
  { context, limits, onChecked }: DriftWatch,
  projection: Projection,
  notBefore: number,
  signal: AbortSignal,
): Promise<void> {
  const held = context(projection);
  const { store, clock } = held;
  const name = projection.definition.projection;
  const isDue = async (): Promise<boolean> => {
    if (clock.now() < notBefore) return false;
    const last = await readDrift(store.state, name);
    return last === undefined || clock.now() - last.startedAt >= limits.everyMs;
  };
  if (!(await isDue())) return;
  await using lease = await store.lease(driftName(name));
  if (lease === undefined || !(await isDue())) return;
  let renewedAt = clock.now();
  const beat = async (): Promise<void> => {
    if (clock.now() - renewedAt < renewMs) return;
    renewedAt = clock.now();
    // Somebody else may check as well then: both are right.
    await lease.renew();
  };
  const id = crypto.randomUUID();
  onChecked(name, await checkDrift(held, projection, id, limits.documentsPerSecond, signal, beat));
}
