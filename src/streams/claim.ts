import { Fault } from '../domain/fault.ts';
import type { StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { claimName } from './archive-names.ts';
import { claimStaleMs, whileHeld } from './heartbeat.ts';

const kinds = ['rebuild', 'verify', 'rollback', 'retire', 'drill'] as const;

export interface Claim {
  readonly id: string;
  readonly kind: (typeof kinds)[number];
  /** Grows with each taker, so that a holder that comes back late knows it is no longer the holder. */
  readonly fence: number;
  readonly heartbeatAt: number;
  /** Its holder wants all lanes to stand between two batches, and to be told so; an id of its own each time. */
  readonly barrier?: string;
}

/** The live claim on a projection, if there is one: nobody else may rebuild or verify it. */
export async function liveClaim(
  state: StateStore,
  projection: string,
  clock: Clock,
): Promise<Claim | undefined> {
  const found = await state.read(claimName(projection));
  const claim = found === undefined ? undefined : parse(found.bytes);
  return claim !== undefined && clock.now() - claim.heartbeatAt < claimStaleMs ? claim : undefined;
}

/** How often a projection was claimed: it grows with each claim and never falls. */
export async function claimsSoFar(state: StateStore, projection: string): Promise<number> {
  const found = await state.read(claimName(projection));
  return (found === undefined ? undefined : parse(found.bytes))?.fence ?? 0;
}

/**
 * Frees the claims of processes that are gone: only for the owner of an archive that one process holds at a time, before it
 * claims anything itself.
 */
export async function freeClaims(state: StateStore, projections: readonly string[]): Promise<void> {
  for (const projection of projections) {
    const found = await state.read(claimName(projection));
    const claim = found === undefined ? undefined : parse(found.bytes);
    if (found === undefined || claim === undefined || claim.heartbeatAt === 0) continue;
    await state.write(claimName(projection), claimBytes({ ...claim, heartbeatAt: 0 }), found.etag);
  }
}

const claimBytes = (claim: Claim): Buffer => Buffer.from(JSON.stringify(claim));

/**
 * Runs `work` while holding the claim on a projection. Rejects with `REBUILD_RUNNING` when somebody else holds it. The
 * signal that `work` gets aborts when the claim is lost; `fence` is higher than that of every holder before; `announce` asks all
 * lanes for a barrier, or ends it.
 */
export async function withClaim<Result>(
  options: { readonly state: StateStore; readonly clock: Clock; readonly projection: string },
  claimed: Pick<Claim, 'id' | 'kind'>,
  work: (
    lost: AbortSignal,
    fence: number,
    announce: (barrier: string | undefined) => Promise<void>,
  ) => Promise<Result>,
): Promise<Result> {
  const { state, clock, projection } = options;
  const name = claimName(projection);
  const before = await state.read(name);
  const holder = before === undefined ? undefined : parse(before.bytes);
  if (holder !== undefined && clock.now() - holder.heartbeatAt < claimStaleMs)
    throw new Fault('REBUILD_RUNNING', { projection, id: holder.id, kind: holder.kind });
  const fence = (holder?.fence ?? 0) + 1;
  let barrier: string | undefined;
  const bytes = (heartbeatAt: number): Buffer =>
    claimBytes({ ...claimed, fence, heartbeatAt, ...(barrier === undefined ? {} : { barrier }) });
  const etag = await state.write(name, bytes(clock.now()), before?.etag ?? null);
  if (etag === 'changed') throw new Fault('REBUILD_RUNNING', { projection });
  const isOurs = (found: Buffer): boolean => {
    const present = parse(found);
    return present?.id === claimed.id && present.fence === fence;
  };
  const takenOver = (): Fault =>
    new Fault('REBUILD_RUNNING', { projection, reason: 'the claim was taken over' });
  // Released by an old heartbeat, not by removal: the fence must never fall.
  return whileHeld({ state, clock, name, etag, bytes, isOurs, takenOver }, (lost, beat) =>
    work(lost, fence, async (asked) => {
      barrier = asked;
      if ((await beat()) === 'lost') throw takenOver();
    }),
  );
}

function parse(bytes: Buffer): Claim | undefined {
  try {
    const { id, kind, fence, heartbeatAt, barrier } = JSON.parse(bytes.toString('utf8')) as Partial<Claim>;
    if (typeof id !== 'string' || !kinds.some((known) => known === kind)) return undefined;
    if (typeof fence !== 'number' || typeof heartbeatAt !== 'number') return undefined;
    return { id, kind: kind!, fence, heartbeatAt, ...(typeof barrier === 'string' ? { barrier } : {}) };
  } catch (error) {
    // A torn or foreign lock file claims nothing.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
