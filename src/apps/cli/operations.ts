import type { RebuildProgress } from '../../streams/rebuild-pace.ts';
import type { RebuildReport } from '../../streams/rebuild-report.ts';
import type { VerifyReport } from '../../streams/verify.ts';
import { askJson, type Call } from './call.ts';
import { Failure, type Problem } from './failure.ts';
import { openProgress } from './progress.ts';
import type { Session } from './session.ts';

/** A rebuild or verification as the API tells it. */
export interface ToldOperation {
  readonly id: string;
  readonly kind: 'rebuild' | 'verify';
  readonly projection: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly progress: RebuildProgress | null;
  readonly rebuilt: RebuildReport | null;
  readonly verified: VerifyReport | null;
  readonly link: string;
  /** It was stopped or failed for what may pass: the same again goes on with it. */
  readonly resumable: boolean;
  readonly fault: Problem | null;
}

interface Started {
  readonly operations: readonly ToldOperation[];
  readonly refused: readonly (Problem & { readonly projection: string })[];
}

const waitText = '1s';
export const phases: Readonly<Record<RebuildProgress['phase'], string>> = {
  fold: 'folding the archive',
  'read-back': 'reading back',
  swap: 'swapping',
};

/**
 * Starts a rebuild or a verification and follows it to its end. Throws what it failed with. Once interrupted, what runs at a
 * server goes on there: its link is told.
 */
export async function operate(
  session: Session,
  call: Call,
  path: '/v1/rebuilds' | '/v1/verifications',
  asked: {
    readonly projection: string;
    readonly acceptUnindexable?: number;
    readonly acceptEmpty?: boolean;
    readonly workers?: number;
    readonly repair?: boolean;
    readonly asOf?: string;
  },
  onStopped: (operation: ToldOperation) => string = ({ link }) => `left alone; how it goes on: ${link}`,
): Promise<ToldOperation> {
  const { projection } = asked;
  const started = await askJson<Started>(call, 'POST', path, { body: JSON.stringify(asked) });
  const [refused] = started.refused;
  if (refused !== undefined) throw new Failure(refused);
  let [operation] = started.operations;
  if (operation === undefined) throw new Failure({ code: 'INTERNAL', detail: 'nothing was started' });
  await using progress = await openProgress(session, true);
  const { link } = operation;
  try {
    while (operation.state === 'running') {
      operation = await askJson<ToldOperation>(call, 'GET', link, {
        query: { wait: waitText },
        signal: session.io.signal,
      });
      if (operation.progress === null) continue;
      const { phase, done, total } = operation.progress;
      progress.show(`${projection}: ${phases[phase]}`, done, total, ratesText(operation.progress));
    }
  } catch (error) {
    if (session.io.signal.aborted && operation.state === 'running') session.note(onStopped(operation));
    throw error;
  }
  if (operation.resumable) session.note(onStopped(operation));
  if (operation.state === 'failed')
    throw new Failure(operation.fault ?? { code: 'INTERNAL', detail: 'it failed without saying why' });
  return operation;
}

/** Of many lanes that move at a time a line has room for the slowest. */
const lanesShown = 4;

/** What a progress tells of itself: rates, the slowest of the lanes that move, and the time left. */
export function ratesText({
  eventsPerSecond,
  documentsPerSecond,
  leftMs,
  lanes = [],
}: RebuildProgress): string {
  const perSecond = (count: number | undefined, what: string): string[] =>
    count === undefined ? [] : [`${count.toLocaleString('en')} ${what}/s`];
  const slowest = lanes
    .flatMap(({ partition, done, total, eventsPerSecond: rate = 0 }) =>
      done < total && rate > 0 ? [{ partition, rate }] : [],
    )
    .sort((a, b) => a.rate - b.rate)
    .slice(0, lanesShown)
    .map(({ partition, rate }) => `lane ${partition} ${rate.toLocaleString('en')}/s`);
  return [
    ...perSecond(eventsPerSecond, 'events'),
    ...perSecond(documentsPerSecond, 'documents'),
    ...(slowest.length > 1 ? slowest : []),
    ...(leftMs === undefined ? [] : [`${timeText(leftMs)} left`]),
  ].join(' · ');
}

/** A span of time as people say it: `4 s`, `3 min`, `2.5 h`. */
export function timeText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}
