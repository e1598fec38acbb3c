import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PortSettings } from '../composition/settings.ts';
import type { Cut } from '../domain/cut.ts';
import { Fault, type FaultCode } from '../domain/fault.ts';
import type { Filled, FillTask } from '../streams/fill-chains.ts';
import type { RebuildContext } from '../streams/rebuild.ts';

/** What a worker is told when it starts. */
export interface FillOrder {
  readonly settings: PortSettings;
  readonly projection: string;
  readonly until: Cut;
  readonly index: string;
  readonly chains: readonly number[];
}

export type FillMessage =
  | { readonly kind: 'records'; readonly records: number }
  | { readonly kind: 'filled'; readonly filled: Filled }
  | { readonly kind: 'fault'; readonly code: FaultCode; readonly facts: Record<string, unknown> }
  | { readonly kind: 'error'; readonly error: string };

const workersMax = 4;

/**
 * Fills an index in threads, where archive and engine can be used by several at once: not for a folder or a database file
 * that one process owns. As many threads as cores, at most 4; each folds whole chains.
 */
export const fillWorkers =
  (settings: PortSettings): NonNullable<RebuildContext['fillInWorkers']> =>
  async (task, onRecords) => {
    const count = Math.min(task.chains.length, Math.max(1, availableParallelism()), workersMax);
    const records = new Array<number>(count).fill(0);
    const failed = new AbortController();
    const signal = AbortSignal.any([task.signal, failed.signal]);
    const parts = Array.from({ length: count }, (_, at) => {
      const chains = task.chains.filter((_chain, number) => number % count === at);
      return fillIn(settings, { ...task, chains }, signal, (done) => {
        records[at] = done;
        onRecords(records.reduce((sum, one) => sum + one, 0));
      });
    });
    for (const part of parts) part.catch((error: unknown) => failed.abort(error));
    const ended = await Promise.allSettled(parts);
    const rejected = ended.find((part) => part.status === 'rejected');
    if (rejected !== undefined) throw failed.signal.aborted ? failed.signal.reason : rejected.reason;
    return ended.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
  };

function fillIn(
  settings: PortSettings,
  { projection, until, index, chains }: FillTask,
  signal: AbortSignal,
  onRecords: (done: number) => void,
): Promise<Filled> {
  const { projection: name } = projection.definition;
  const order: FillOrder = { settings, projection: name, until, index: index.name, chains };
  const worker = new Worker(new URL('./fill-worker.ts', import.meta.url), { workerData: order });
  const stop = (): void => worker.postMessage('stop');
  signal.addEventListener('abort', stop, { once: true });
  return new Promise<Filled>((resolve, reject) => {
    worker.on('message', (message: FillMessage) => {
      if (message.kind === 'records') onRecords(message.records);
      else if (message.kind === 'filled') resolve(message.filled);
      else if (message.kind === 'fault') reject(new Fault(message.code, message.facts));
      else reject(signal.aborted ? signal.reason : new Error(message.error));
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a fill worker ended with ${code}`)));
  }).finally(() => signal.removeEventListener('abort', stop));
}
