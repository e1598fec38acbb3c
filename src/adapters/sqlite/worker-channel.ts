import { Worker } from 'node:worker_threads';
import { Fault } from '../../domain/fault.ts';
import type { Answer, Calls } from './messages.ts';

/** Questions to one worker thread, answered in order. */
export interface WorkerChannel {
  /** `moved` buffers belong to the worker afterwards. */
  ask<Op extends keyof Calls>(
    op: Op,
    ask: Calls[Op]['ask'],
    moved?: ArrayBuffer[],
  ): Promise<Calls[Op]['answer']>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts the worker with the first question, and another one if it died. An idle worker keeps no process alive. After
 * `close` every question is refused.
 */
export function workerChannel(dir: string): WorkerChannel {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let calls = 0;
  let closed = false;

  function settle(message: Answer): void {
    const call = waiting.get(message.call);
    waiting.delete(message.call);
    if (waiting.size === 0) worker?.unref();
    if ('answer' in message) call?.resolve(message.answer);
    else if ('fault' in message) call?.reject(new Fault(message.fault, message.facts));
    else call?.reject(message.error);
  }

  function start(): Worker {
    const started = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { dir },
      // It passes bytes through and keeps little: a small nursery spares the process some 40 MiB a thread.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    const lost = (cause: unknown): void => {
      if (worker === started) worker = undefined;
      for (const { reject } of waiting.values())
        reject(new Fault('MODEL_UNAVAILABLE', { folder: dir }, cause));
      waiting.clear();
    };
    started.on('message', settle);
    started.on('error', lost);
    started.on('exit', (code) => lost(new Error(`the worker ended with ${code}`)));
    return started;
  }

  function ask<Op extends keyof Calls>(
    op: Op,
    question: Calls[Op]['ask'],
    moved: ArrayBuffer[] = [],
  ): Promise<Calls[Op]['answer']> {
    if (closed) return Promise.reject(new Fault('MODEL_UNAVAILABLE', { folder: dir, closed: true }));
    const { promise, resolve, reject } = Promise.withResolvers<Calls[Op]['answer']>();
    worker ??= start();
    worker.ref();
    const call = ++calls;
    waiting.set(call, { resolve: (answer) => resolve(answer as Calls[Op]['answer']), reject });
    worker.postMessage({ call, op, ask: question }, moved);
    return promise;
  }

  return {
    ask,
    async close() {
      if (worker !== undefined && !closed) {
        const closing = ask('close', null);
        closed = true;
        await closing;
        await worker?.terminate();
      }
      closed = true;
    },
  };
}
