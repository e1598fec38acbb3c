import { Fault, isFault } from '../domain/fault.ts';

/** What every operation tells, whatever it does. */
export interface Underway {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly fault: Fault | null;
}

/** Long work of this process, of one kind: it runs in the background and can be asked about. */
export interface Operations<Told extends Underway> extends AsyncDisposable {
  /** `begun`: what is told until something changes. What `work` gives is told at its end. */
  start(
    begun: Told,
    work: (change: (part: Partial<Told>) => void, signal: AbortSignal) => Promise<Partial<Told>>,
  ): Told;
  find(id: string): Told | undefined;
  /** Those that are remembered, in the order of their start. */
  all(): readonly Told[];
  /** Aborts its signal with `reason` and resolves true once it has ended; false where none of this id runs. */
  cancel(id: string, reason: Error): Promise<boolean>;
  /** Resolves once it has ended. Rejects with `OPERATION_UNKNOWN` for one that is forgotten, or never was. */
  ended(id: string): Promise<Told>;
}

const rememberedMax = 100;

export function operations<Told extends Underway>(): Operations<Told> {
  const all = new Map<string, { operation: Told; done: Promise<void>; readonly own: AbortController }>();
  const stopping = new AbortController();

  return {
    start(begun, work) {
      const { id } = begun;
      const entry = { operation: begun, done: Promise.resolve(), own: new AbortController() };
      const change = (part: Partial<Told>): void => {
        entry.operation = { ...entry.operation, ...part };
      };
      all.set(id, entry);
      entry.done = work(change, AbortSignal.any([stopping.signal, entry.own.signal])).then(
        (result) => change({ ...result, state: 'done' }),
        (error: unknown) => {
          // Whatever it was, it is told to whoever asks for the operation; the server goes on for everybody else.
          const fault = isFault(error) ? error : new Fault('INTERNAL', { reason: String(error) }, error);
          entry.operation = { ...entry.operation, state: 'failed', fault };
        },
      );
      if (all.size > rememberedMax) {
        const oldest = [...all].find(([, { operation }]) => operation.state !== 'running');
        if (oldest !== undefined) all.delete(oldest[0]);
      }
      return begun;
    },
    find: (id) => all.get(id)?.operation,
    all: () => [...all.values()].map(({ operation }) => operation),
    async cancel(id, reason) {
      const entry = all.get(id);
      if (entry?.operation.state !== 'running') return false;
      entry.own.abort(reason);
      await entry.done;
      return true;
    },
    async ended(id) {
      const entry = all.get(id);
      if (entry === undefined) throw new Fault('OPERATION_UNKNOWN', { id });
      await entry.done;
      return entry.operation;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.allSettled([...all.values()].map(({ done }) => done));
    },
  };
}
