import { Worker } from 'node:worker_threads';
import type { PortSettings } from '../composition/settings.ts';
import { Fault } from '../domain/fault.ts';
import {
  type FillIndex,
  type FillProgress,
  filledOnRecord,
  nothingFilled,
  plus,
} from '../streams/fill-index.ts';
import { chainsOf, laneSpans } from '../streams/fold-history.ts';
import type { FillNews, FillOrder } from './fill-messages.ts';

/** A fold leaves much behind that is soon garbage: a larger nursery than the process has, since the thread ends with it. */
const youngGenerationMiB = 48;

/**
 * Fills an index by threads of this process, each with connections of its own and every n-th chain of lanes. They share nothing
 * but the archive and the index: what one has finished is on record there. SQLite has one writer, so there it is one thread,
 * this one (undefined); and so it is for one worker.
 */
export const fillByWorkers =
  (settings: PortSettings, log: string) =>
  (workers: number): FillIndex | undefined =>
    workers < 2 || settings.readModel.kind === 'sqlite'
      ? undefined
      : async ({ store, epochs }, { projection, until, index, record, signal }, onProgress) => {
          const chains = chainsOf(laneSpans({ epochs, until })).length;
          const of = Math.max(1, Math.min(workers, chains));
          const done = new Array<FillProgress>(of).fill(nothingFilled);
          let failed: { readonly error: unknown } | undefined;
          const failure = new AbortController();
          const stop = AbortSignal.any([signal, failure.signal]);
          const order = {
            ...{ settings, log, epochs, until, index: index.name, id: record.id },
            projection: projection.definition.projection,
          };
          const told = (nth: number) => (share: FillProgress) => {
            done[nth] = share;
            onProgress(plus(...done));
          };
          const fill = (nth: number): Promise<void> =>
            fillShare({ ...order, share: { nth, of } }, stop, told(nth)).catch((error: unknown) => {
              // Thrown below, once all threads have ended; the others stop for it.
              failed ??= { error };
              failure.abort();
            });
          await Promise.all(done.map((_, nth) => fill(nth)));
          signal.throwIfAborted();
          if (failed !== undefined) throw failed.error;
          return filledOnRecord(store.state, record.id);
        };

/** One share in a thread; resolves once all of it is on record. */
function fillShare(
  order: FillOrder,
  signal: AbortSignal,
  onProgress: (done: FillProgress) => void,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const worker = new Worker(new URL('./fill-worker.ts', import.meta.url), {
      workerData: order,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMiB },
    });
    const stop = (): void => worker.postMessage('stop');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    let news: FillNews | undefined;
    worker.on('message', (told: FillNews) => {
      if ('done' in told) onProgress(told.done);
      else news = told;
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      signal.removeEventListener('abort', stop);
      if (news === undefined)
        reject(signal.reason ?? new Error(`a thread that fills an index ended with ${code}`));
      else if ('fault' in news) reject(new Fault(news.fault, news.facts));
      else resolve();
    });
  });
}
