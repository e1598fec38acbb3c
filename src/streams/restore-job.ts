import { type Cut, formatCut, parseCut } from '../domain/cut.ts';
import { Fault } from '../domain/fault.ts';
import { partitionMax } from '../domain/position.ts';
import type { ETag, StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { restoreName, restoresPrefix } from './archive-names.ts';
import { heldRecord } from './held-record.ts';

/** What was asked for; who asks the same again goes on with what was left. */
export interface RestoreAsked {
  /** Of this epoch alone; null = all. */
  readonly epoch: number | null;
  /** Of the topic; null = as many as the newest epoch that has events. */
  readonly partitions: number | null;
  /** A moment or cut as it was written; null = all there is. */
  readonly asOf: string | null;
}

/**
 * A run into one topic, as the archive's state records it from before the topic is made. It fixes what the topic holds: an
 * archive that grows meanwhile does not change it.
 */
export interface RestoreJob {
  readonly topic: string;
  /** Number in its name. */
  readonly k: number;
  /** Whoever works on it, a new one each time it is taken up. */
  readonly owner: string;
  readonly partitions: number;
  readonly asked: RestoreAsked;
  readonly until: Cut;
  /** UTC ms. */
  readonly startedAt: number;
  /** UTC ms, at most `beatMs` before the last append was sent. */
  readonly workedAt: number;
  /** working: nobody said that it ended, it may have been killed. */
  readonly state: 'working' | 'stopped' | 'finished';
}

export interface StoredRestore {
  readonly job: RestoreJob;
  readonly etag: ETag;
}

/** Who works on a run says so this often. */
export const beatMs = 5_000;

const states: readonly unknown[] = ['working', 'stopped', 'finished'] satisfies RestoreJob['state'][];

const bytesOf = ({ until, ...job }: RestoreJob): Buffer =>
  Buffer.from(`${JSON.stringify({ v: 1, ...job, until: formatCut(until) })}\n`);

const isWhole = (value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;

/** What is no record of a run is none: nobody can go on with it. */
function parse(bytes: Buffer, name: string): RestoreJob | undefined {
  let found: { readonly [Name in keyof RestoreJob]?: unknown } & { readonly v?: unknown };
  try {
    found = JSON.parse(bytes.toString('utf8')) as typeof found;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { v, topic, k, owner, partitions, asked, startedAt, workedAt, state } = found;
  const until = typeof found.until === 'string' ? parseCut(found.until) : undefined;
  const of = asked as Partial<RestoreAsked> | null | undefined;
  const counts = isWhole(k, 1) && isWhole(partitions, 1, partitionMax + 1);
  if (v !== 1 || typeof topic !== 'string' || restoreName(topic) !== name || !counts) return undefined;
  if (typeof owner !== 'string') return undefined;
  if (!isWhole(startedAt, 0) || !isWhole(workedAt, 0) || !states.includes(state) || until === undefined)
    return undefined;
  if (of === null || of === undefined) return undefined;
  const { epoch = null, partitions: askedFor = null, asOf = null } = of;
  return {
    ...{ topic, k, owner, partitions, until, startedAt, workedAt, state: state as RestoreJob['state'] },
    asked: { epoch, partitions: askedFor, asOf },
  };
}

/** All runs on record, the one of the highest number first. */
export async function readRestores(state: StateStore): Promise<readonly StoredRestore[]> {
  const names: string[] = [];
  for await (const { name } of state.list(restoresPrefix)) names.push(name);
  const stored: StoredRestore[] = [];
  for (const name of names) {
    const found = await state.read(name);
    const job = found === undefined ? undefined : parse(found.bytes, name);
    if (job !== undefined) stored.push({ job, etag: found!.etag });
  }
  return stored.toSorted((a, b) => b.job.k - a.job.k);
}

const isSame = (a: RestoreAsked, b: RestoreAsked): boolean =>
  a.epoch === b.epoch && a.partitions === b.partitions && a.asOf === b.asOf;

/** The newest run that was left before its end and is what is asked for. */
export const leftBy = (stored: readonly StoredRestore[], asked: RestoreAsked): StoredRestore | undefined =>
  stored.find(({ job }) => job.state !== 'finished' && isSame(job.asked, asked));

/** A run in the hands of whoever works on it. */
export interface HeldRestore {
  readonly job: RestoreJob;
  /** Writes a change, and when that was. Rejects with `RESTORE_RUNNING` where somebody else has the run. */
  note(change: Partial<Pick<RestoreJob, 'state' | 'owner'>>): Promise<void>;
}

export interface RestoreHands {
  readonly state: StateStore;
  readonly clock: Clock;
}

/** Puts a new run on record; undefined where its topic was taken by another one. */
export async function beginRestore(hands: RestoreHands, job: RestoreJob): Promise<HeldRestore | undefined> {
  const etag = await hands.state.write(restoreName(job.topic), bytesOf(job), null);
  return etag === 'changed' ? undefined : held(hands, { job, etag });
}

/**
 * Takes up a run that was left. Where nobody said that it ended, what its last owner sent may still come to the topic for
 * `lateMs`: that is waited for, and so it shows whether it is still being worked on (`RESTORE_RUNNING`).
 */
export async function takeUpRestore(
  hands: RestoreHands,
  { job, etag }: StoredRestore,
  lateMs: number,
  signal: AbortSignal,
): Promise<HeldRestore> {
  if (job.state === 'working' && lateMs > 0) {
    const passedMs = Math.max(0, hands.clock.now() - job.workedAt);
    const waitMs = lateMs + beatMs - passedMs;
    if (waitMs > 0) await hands.clock.wait(waitMs, signal);
  }
  const taken = held(hands, { job, etag });
  await taken.note({ state: 'working', owner: crypto.randomUUID() });
  return taken;
}

function held({ state, clock }: RestoreHands, { job, etag }: StoredRestore): HeldRestore {
  const name = restoreName(job.topic);
  let owner = job.owner;
  const stillOurs = (found: Buffer | undefined): void => {
    if (found === undefined || parse(found, name)?.owner !== owner)
      throw new Fault('RESTORE_RUNNING', { topic: job.topic });
  };
  const record = heldRecord({ state, name, bytesOf, stillOurs }, job, etag);
  return {
    get job() {
      return record.now;
    },
    async note(change) {
      owner = change.owner ?? owner;
      await record.note((now) => ({ ...now, ...change, workedAt: clock.now() }));
    },
  };
}
