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
  const isWorth = threads > 1 && options.deep && (await holds(options.store, worthBytes));
  if (!isWorth) return verifyArchive(options);
  await using started = new AsyncDisposableStack();
  const others = Array.from({ length: threads - 1 }, () => inThread(place, started, options.signal));
  return await verifyArchive({ ...options, others });
}

async function holds({ truth }: ArchiveStore, bytesMin: number): Promise<boolean> {
  let sum = 0;
  for await (const { bytes } of truth.list('segments/')) {
    sum += bytes;
    if (sum >= bytesMin) return true;
  }
  return false;
}

/** A thread that starts with its first lane; it ends with `started`. */
function inThread(
  place: ArchivePlace,
  started: AsyncDisposableStack,
  signal: AbortSignal | undefined,
): LaneVerifier {
  let worker: Worker | undefined;
  function start(): Worker {
    const made = new Worker(new URL('./verify-worker.ts', import.meta.url), { workerData: place });
    started.defer(async () => void (await made.terminate()));
    return made;
  }
  return (task, onRecords) =>
    new Promise((resolve, reject) => {
      worker ??= start();
      const told = worker;
      const over = new AbortController();
      const end = (settle: () => void): void => {
        over.abort();
        for (const name of ['message', 'error', 'exit']) told.removeAllListeners(name);
        settle();
      };
      const stop = (): void => end(() => reject(signal!.reason));
      signal?.addEventListener('abort', stop, { once: true, signal: over.signal });
      told.on('message', (news: LaneNews) => {
        if ('records' in news) {
          try {
            onRecords(news.records, news.bytes);
          } catch (error) {
            end(() => reject(error));
          }
        } else if ('answer' in news) end(() => resolve(news.answer));
        else end(() => reject(new Fault(news.fault, news.facts)));
      });
      told.on('error', (error) => end(() => reject(error)));
      told.on('exit', (code) =>
        end(() => reject(new Error(`a thread that looks at lanes ended with ${code}`))),
      );
      told.postMessage(task);
    });
}
