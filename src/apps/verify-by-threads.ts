import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Fault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import { type ArchiveReport, type VerifyArchiveOptions, verifyArchive } from '../streams/verify-archive.ts';
import type { LaneVerifier } from '../streams/verify-lane-task.ts';
import type { ArchivePlace, LaneNews } from './verify-messages.ts';

/** With the one that asks. Each takes 100 to 150 MiB. */
const threadsMax = 3;
/** As segments stand in the archive. Less is gone through before a thread has started. */
const worthBytesDefault = 8 * 1024 * 1024;

export interface Threads {
  readonly threads?: number;
  /** Bytes of segments that are worth to start threads for. */
  readonly worthBytes?: number;
}

/**
 * Verifies an archive with a thread for each processor, three at most, each with connections of its own and a lane at a time;
 * in this thread alone where there is little to read. `place`: where the archive of `store` is found by another thread.
 */
export async function verifyByThreads(
  place: ArchivePlace,
  options: Omit<VerifyArchiveOptions, 'others'>,
  { threads = Math.min(threadsMax, availableParallelism()), worthBytes = worthBytesDefault }: Threads = {},
): Promise<ArchiveReport> {
  const worth = threads > 1 && options.deep ? await lanesIn(options.store, worthBytes) : 1;
  if (worth < 2) return verifyArchive(options);
  await using started = new AsyncDisposableStack();
  const others = Array.from({ length: Math.min(threads, worth) - 1 }, () =>
    inThread(place, started, options.signal),
  );
  return await verifyArchive({ ...options, others });
}

/** Lanes that have segments; 0 where all of those are less than `bytesMin` together. */
async function lanesIn({ truth }: ArchiveStore, bytesMin: number): Promise<number> {
  const lanes = new Set<string>();
  let sum = 0;
  for await (const { name, bytes } of truth.list('segments/')) {
    lanes.add(name.slice(0, name.lastIndexOf('/')));
    sum += bytes;
  }
  return sum < bytesMin ? 0 : lanes.size;
}

/** A thread that starts while this one looks at what comes before the lanes; it ends with `started`. */
function inThread(
  place: ArchivePlace,
  started: AsyncDisposableStack,
  signal: AbortSignal | undefined,
): LaneVerifier {
  const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), { workerData: place });
  const over = Promise.withResolvers<never>();
  // Looked at by whoever waits for an answer; until then a failure is not unhandled.
  over.promise.catch(() => undefined);
  worker.on('error', over.reject);
  worker.on('exit', (code) => over.reject(new Error(`a thread that looks at lanes ended with ${code}`)));
  const stop = (): void => over.reject(signal!.reason);
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop, { once: true });
  started.defer(async () => {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  });
  return (task, onRecords) => Promise.race([over.promise, answerOf(worker, task, onRecords)]);
}

function answerOf(worker: Worker, ...[task, onRecords]: Parameters<LaneVerifier>): ReturnType<LaneVerifier> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      worker.off('message', hear);
      settle();
    };
    const hear = (news: LaneNews): void => {
      if ('records' in news) {
        try {
          onRecords(news.records, news.bytes);
        } catch (error) {
          end(() => reject(error));
        }
      } else if ('answer' in news) end(() => resolve(news.answer));
      else end(() => reject(new Fault(news.fault, news.facts)));
    };
    worker.on('message', hear);
    worker.postMessage(task);
  });
}
