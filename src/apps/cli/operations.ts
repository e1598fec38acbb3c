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
  readonly fault: Problem | null;
}

interface Started {
  readonly operations: readonly ToldOperation[];
  readonly refused: readonly (Problem & { readonly projection: string })[];
}

const waitText = '1s';
const phases: Readonly<Record<RebuildProgress['phase'], string>> = {
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
    readonly repair?: boolean;
  },
): Promise<ToldOperation> {
  const { projection } = asked;
  const started = await askJson<Started>(call, 'POST', path, { body: JSON.stringify(asked) });
  const [refused] = started.refused;
  if (refused !== undefined) throw new Failure(refused);
  let [operation] = started.operations;
  if (operation === undefined) throw new Failure({ code: 'INTERNAL', detail: 'nothing was started' });
  await using progress = await openProgress(session);
  const { link } = operation;
  try {
    while (operation.state === 'running') {
      operation = await askJson<ToldOperation>(call, 'GET', link, {
        query: { wait: waitText },
        signal: session.io.signal,
      });
      if (operation.progress === null) continue;
      const { phase, done, total } = operation.progress;
      progress.show(`${projection}: ${phases[phase]}`, done, total);
    }
  } catch (error) {
    if (session.io.signal.aborted) session.note(`left alone; how it goes on: ${link}`);
    throw error;
  }
  if (operation.state === 'failed')
    throw new Failure(operation.fault ?? { code: 'INTERNAL', detail: 'it failed without saying why' });
  return operation;
}
