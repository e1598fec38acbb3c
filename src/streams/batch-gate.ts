/** A door between batches: many may be within while it is open, nobody once it is closed. */
export interface BatchGate {
  /** Runs `work` once the gate is open. */
  pass<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Lets nobody in and resolves once nobody is within; the function it gives opens it again. May be closed several times. */
  close(): Promise<() => void>;
}

export function batchGate(): BatchGate {
  let [within, closed] = [0, 0];
  let moved = Promise.withResolvers<void>();
  const tell = (): void => {
    moved.resolve();
    moved = Promise.withResolvers();
  };
  return {
    async pass(work) {
      while (closed > 0) await moved.promise;
      within += 1;
      try {
        return await work();
      } finally {
        within -= 1;
        tell();
      }
    },
    async close() {
      closed += 1;
      while (within > 0) await moved.promise;
      let opened = false;
      return () => {
        if (!opened) closed -= 1;
        opened = true;
        tell();
      };
    },
  };
}
