import { Fault, isFault } from '../domain/fault.ts';
import type { ETag, StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { unitClaimsOf } from './archive-names.ts';
import type { LaneRecords } from './fill-index.ts';
import { claimStaleMs, whileHeld } from './heartbeat.ts';

/** What came of a claimed piece of work. */
export interface UnitDone {
  /** The chain was shared out into buckets: each of them is claimed by itself. */
  readonly sharedOut: boolean;
  readonly records: number;
  readonly documents: number;
  readonly lanes: readonly LaneRecords[];
}

/** Who folds a chain, or one bucket of it, for a rebuild that several processes share. */
export interface UnitClaim {
  readonly unit: string;
  /** Name of the process. */
  readonly by: string;
  /** Grows with each taker. */
  readonly fence: number;
  /** UTC ms; 0 = let go. */
  readonly heartbeatAt: number;
  /** Those it was taken over from, oldest first. */
  readonly takenFrom: readonly string[];
  readonly done: UnitDone | null;
}

/** What one process did of a shared rebuild. */
export interface MemberDone {
  readonly by: string;
  /** Chains and buckets. */
  readonly units: number;
  readonly records: number;
  readonly documents: number;
  /** Units that another process had begun, and how many of its own another one ended. */
  readonly takenOver: number;
  readonly left: number;
}

interface Seen {
  readonly claim: UnitClaim;
  readonly etag: ETag;
}

export interface UnitClaims {
  /** Looks what others have claimed and done since. */
  look(): Promise<void>;
  /** As last seen. */
  find(unit: string): UnitClaim | undefined;
  all(): readonly UnitClaim[];
  /**
   * Does `work` under the claim on a unit: false where somebody else has it, or did it. The signal that `work` gets aborts when the
   * claim is lost; then it is no failure, and false too. A unit is done once what `work` gave is written: not before everything
   * it stored is durable and on record.
   */
  take(unit: string, work: (claim: UnitClaim, lost: AbortSignal) => Promise<UnitDone>): Promise<boolean>;
}

const readsAtOnce = 16;

/**
 * Claims of one rebuild as one process sees them. They keep two from doing the same and tell who did what; they are no fence for
 * what is stored: of a unit that two fold, each document and each entry is the same, and counts once.
 */
export function unitClaims(of: {
  readonly state: StateStore;
  readonly clock: Clock;
  /** Of the rebuild. */
  readonly id: string;
  readonly by: string;
}): UnitClaims {
  const { state, clock, id, by } = of;
  const prefix = unitClaimsOf(id);
  const seen = new Map<string, Seen>();

  async function readOne(unit: string): Promise<void> {
    const found = await state.read(`${prefix}${unit}`);
    if (found === undefined) seen.delete(unit);
    else seen.set(unit, { claim: parse(found.bytes, unit), etag: found.etag });
  }

  /** One of its own is of a work that ended: it does one at a time. */
  const isOthers = (claim: UnitClaim): boolean =>
    claim.by !== by && clock.now() - claim.heartbeatAt < claimStaleMs;

  async function hold(
    begun: UnitClaim,
    etag: ETag,
    work: (claim: UnitClaim, lost: AbortSignal) => Promise<UnitDone>,
  ): Promise<boolean> {
    const { unit, fence } = begun;
    let claim = begun;
    let wasLost = false;
    const held = {
      ...{ state, clock, name: `${prefix}${unit}`, etag },
      bytes: (heartbeatAt: number) => bytesOf({ ...claim, heartbeatAt }),
      isOurs: (found: Buffer) => {
        const present = parse(found, unit);
        return present.by === by && present.fence === fence;
      },
      takenOver: () => new Fault('REBUILD_RUNNING', { id, unit, reason: 'it was taken over' }),
    };
    try {
      return await whileHeld(held, async (lost, beat) => {
        lost.addEventListener('abort', () => {
          wasLost = isFault(lost.reason, 'REBUILD_RUNNING');
        });
        const done = await work(begun, lost);
        claim = { ...begun, done };
        if ((await beat()) === 'lost') return false;
        seen.set(unit, { claim, etag });
        return true;
      });
    } catch (error) {
      // Whoever has it now does it; what this process stored of it stands, and counts once.
      if (wasLost) return false;
      throw error;
    }
  }

  return {
    async look() {
      const names: string[] = [];
      for await (const { name } of state.list(prefix)) names.push(name.slice(prefix.length));
      const present = new Set(names);
      for (const unit of seen.keys()) if (!present.has(unit)) seen.delete(unit);
      const open = names.filter((unit) => (seen.get(unit)?.claim.done ?? null) === null);
      for (let at = 0; at < open.length; at += readsAtOnce)
        await Promise.all(open.slice(at, at + readsAtOnce).map(readOne));
    },
    find: (unit) => seen.get(unit)?.claim,
    all: () => [...seen.values()].map(({ claim }) => claim),
    async take(unit, work) {
      const before = seen.get(unit);
      const left = before?.claim;
      if (left !== undefined && (left.done !== null || isOthers(left))) return false;
      const claim: UnitClaim = {
        ...{ unit, by, fence: (left?.fence ?? 0) + 1, heartbeatAt: clock.now(), done: null },
        takenFrom: left === undefined ? [] : [...left.takenFrom, left.by].filter((name) => name !== by),
      };
      const etag = await state.write(`${prefix}${unit}`, bytesOf(claim), before?.etag ?? null);
      // What is known of it is its etag until now: the next look reads it again.
      seen.delete(unit);
      return etag !== 'changed' && hold(claim, etag, work);
    },
  };
}

const bytesOf = (claim: UnitClaim): Buffer => Buffer.from(`${JSON.stringify({ v: 1, ...claim })}\n`);

/** What is no claim claims nothing, and may be taken. */
function parse(bytes: Buffer, unit: string): UnitClaim {
  try {
    const found = JSON.parse(bytes.toString('utf8')) as Partial<UnitClaim> & { readonly v?: unknown };
    const { v, by, fence, heartbeatAt, takenFrom, done } = found;
    const isWhole = v === 1 && typeof by === 'string' && Array.isArray(takenFrom) && done !== undefined;
    if (isWhole && typeof fence === 'number' && typeof heartbeatAt === 'number')
      return { unit, by, fence, heartbeatAt, takenFrom, done };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { unit, by: '', fence: 0, heartbeatAt: 0, takenFrom: [], done: null };
}

/** What each process did, by its name. */
export function membersOf(claims: readonly UnitClaim[]): readonly MemberDone[] {
  const all = new Map<string, MemberDone>();
  const add = (by: string, part: Partial<MemberDone>): void => {
    const before = all.get(by) ?? { by, units: 0, records: 0, documents: 0, takenOver: 0, left: 0 };
    const { units = 0, records = 0, documents = 0, takenOver = 0, left = 0 } = part;
    all.set(by, {
      by,
      units: before.units + units,
      records: before.records + records,
      documents: before.documents + documents,
      takenOver: before.takenOver + takenOver,
      left: before.left + left,
    });
  };
  for (const { by, takenFrom, done } of claims) {
    for (const name of takenFrom) add(name, { left: 1 });
    if (done === null) continue;
    const { sharedOut, records, documents } = done;
    add(by, { units: sharedOut ? 0 : 1, records, documents, takenOver: takenFrom.length > 0 ? 1 : 0 });
  }
  return [...all.values()].sort((a, b) => (a.by < b.by ? -1 : 1));
}
