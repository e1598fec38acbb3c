import { Fault } from '../domain/fault.ts';

/** Lets work in until it is closed. */
export interface Gate {
  /** Runs `work`; rejects with LOG_UNAVAILABLE once the gate is closed. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Lets nothing more in and waits for what runs. */
  close(): Promise<void>;
}

export function gate(): Gate {
  const running = new Set<Promise<void>>();
  let isClosed = false;
  return {
    run(work) {
      if (isClosed) return Promise.reject(new Fault('LOG_UNAVAILABLE', { reason: 'intake is closing' }));
      const result = work();
      const forget = (): void => {
        running.delete(done);
      };
      const done: Promise<void> = result.then(forget, forget);
      running.add(done);
      return result;
    },
    async close() {
      isClosed = true;
      await Promise.all(running);
    },
  };
}
