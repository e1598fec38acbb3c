import { type Draw, drawFrom } from '../draw.ts';
import { person, program } from './authors.ts';
import { days, hourMs, isoDay, minuteMs, mondays, monthStarts, utc } from './calendar.ts';
import { flowUrn, type Job, jobs, runUrn } from './jobs.ts';
import type { Act, Scribe } from './scribe.ts';

type Result = 'SUCCESS' | 'FAILURE' | 'SKIPPED' | 'UP_FOR_RETRY';

/** Runs that do not succeed, and what the platform says. */
interface Trouble {
  readonly flow: string;
  readonly name: string;
  readonly from: number;
  /** Exclusive. */
  readonly end: number;
  readonly result: 'FAILURE' | 'SKIPPED';
  readonly says: string;
}

export const troubles: readonly Trouble[] = [
  {
    flow: 'billing.nightly',
    name: 'invoices',
    from: utc('2025-09-17'),
    end: utc('2025-09-23'),
    result: 'FAILURE',
    says: 'failed: column cust_id not found in shop.orders',
  },
  {
    flow: 'finance.weekly',
    name: 'conversion_funnel',
    from: utc('2026-05-19'),
    end: utc('2026-10-01'),
    result: 'SKIPPED',
    says: 'skipped: input shop.raw_carts is not there',
  },
];

const attemptsMax = 3;
const orchestrator = person('svc-orchestrator');

interface Attempt {
  readonly id: string;
  readonly attempt: number;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly result: Result;
  readonly says: string;
}

const begin = (of: Job, { id, attempt, startedAt }: Attempt): Act => ({
  at: startedAt,
  tell: (scribe) =>
    tellRun(scribe, of, id, { timestampMillis: startedAt, messageId: id, status: 'STARTED', attempt }),
});

const end = (of: Job, { id, attempt, startedAt, durationMs, result, says }: Attempt): Act => ({
  at: startedAt + durationMs,
  tell: (scribe) =>
    tellRun(scribe, of, id, {
      timestampMillis: startedAt + durationMs,
      messageId: id,
      status: 'COMPLETE',
      attempt,
      result: { type: result, nativeResultType: says },
      durationMillis: durationMs,
    }),
});

function tellRun(scribe: Scribe, of: Job, id: string, value: Readonly<Record<string, unknown>>): void {
  scribe.upsert(
    program('orchestrator', `${flowUrn(of)} ${id}`, orchestrator),
    runUrn(of),
    'dataProcessInstanceRunEvent',
    value,
  );
}

function planned({ rhythm, from, end: until }: Job): number[] {
  switch (rhythm) {
    case 'hour':
      return days(from, until).flatMap((day) => Array.from({ length: 24 }, (_, hour) => day + hour * hourMs));
    case 'day':
      return days(from, until);
    case 'week':
      return mondays(from, until);
    case 'month':
      return monthStarts(from, until);
  }
}

/** The attempts of one run: mostly one that succeeds, rarely a second one, in times of trouble all fail. */
function attemptsOf(of: Job, day: number, draw: Draw): readonly Attempt[] {
  const startedAt = day + of.startMinute * minuteMs + draw.below(40) * 1_000;
  const durationMs = Math.round((of.durationMs * draw.between(0.8, 1.3)) / 100) * 100;
  const id =
    of.rhythm === 'hour' ? `${isoDay(day)}T${new Date(day).toISOString().slice(11, 13)}` : isoDay(day);
  const good: Attempt = { id, attempt: 1, startedAt, durationMs, result: 'SUCCESS', says: 'success' };
  const trouble = troubles.find(
    ({ flow, name, from, end: until }) => of.flow === flow && of.name === name && day >= from && day < until,
  );
  const brief = (attempt: number, result: Result, says: string): Attempt => ({
    ...{ id, attempt, result, says },
    startedAt: startedAt + (attempt - 1) * 12 * minuteMs,
    durationMs: 41_000 + draw.below(90) * 100,
  });
  if (trouble?.result === 'SKIPPED') return [brief(1, 'SKIPPED', trouble.says)];
  if (trouble !== undefined)
    return Array.from({ length: attemptsMax }, (_, i) =>
      brief(i + 1, i + 1 === attemptsMax ? 'FAILURE' : 'UP_FOR_RETRY', trouble.says),
    );
  if (!draw.chance(0.004)) return [good];
  return [
    brief(1, 'UP_FOR_RETRY', 'failed: the connection was lost'),
    { ...good, attempt: 2, startedAt: startedAt + 12 * minuteMs },
  ];
}

/** A run that somebody started by hand. */
export const runByHand = (of: Job, id: string, startedAt: number): readonly Act[] => {
  const run: Attempt = {
    ...{ id, startedAt },
    attempt: 1,
    durationMs: of.durationMs * 3,
    result: 'SUCCESS',
    says: 'success',
  };
  return [begin(of, run), end(of, run)];
};

export function runs(seed: number): readonly Act[] {
  const draw = drawFrom(seed);
  return jobs.flatMap((of) =>
    planned(of).flatMap((day) =>
      attemptsOf(of, day, draw).flatMap((attempt) => [begin(of, attempt), end(of, attempt)]),
    ),
  );
}
