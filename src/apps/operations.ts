import { Fault, isFault } from '../domain/fault.ts';
import type { RebuildProgress, RebuildReport } from '../streams/rebuild.ts';
import type { VerifyReport } from '../streams/verify.ts';
import type { Operation } from './annal.ts';

type Result = { readonly rebuilt: RebuildReport } | { readonly verified: VerifyReport };

/** Rebuilds and verifications of this process: each runs in the background and can be asked about. */
export interface Operations extends AsyncDisposable {
  start(
    operation: Pick<Operation, 'id' | 'kind' | 'projection'>,
    work: (onProgress: (progress: RebuildProgress) => void, signal: AbortSignal) => Promise<Result>,
  ): Operation;
  find(id: string): Operation | undefined;
  ended(id: string): Promise<Operation>;
}

const rememberedMax = 100;

export function operations(): Operations {
  const all = new Map<string, { operation: Operation; done: Promise<void> }>();
  const stopping = new AbortController();

  function change(id: string, change: Partial<Operation>): void {
    const entry = all.get(id)!;
    entry.operation = { ...entry.operation, ...change };
  }

  return {
    start(started, work) {
      const { id } = started;
      const operation: Operation = {
        ...started,
        state: 'running',
        progress: null,
        rebuilt: null,
        verified: null,
        fault: null,
      };
      all.set(id, { operation, done: Promise.resolve() });
      all.get(id)!.done = work((progress) => change(id, { progress }), stopping.signal).then(
        (result) => change(id, { state: 'done', ...result }),
        (error: unknown) => {
          // Whatever it was, it is told to whoever asks for the operation; the server goes on for everybody else.
          const fault = isFault(error) ? error : new Fault('INTERNAL', { reason: String(error) }, error);
          change(id, { state: 'failed', fault });
        },
      );
      if (all.size > rememberedMax) {
        const oldest = [...all].find(([, entry]) => entry.operation.state !== 'running');
        if (oldest !== undefined) all.delete(oldest[0]);
      }
      return operation;
    },
    find: (id) => all.get(id)?.operation,
    async ended(id) {
      await all.get(id)?.done;
      return all.get(id)!.operation;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.allSettled([...all.values()].map(({ done }) => done));
    },
  };
}
