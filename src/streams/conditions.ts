/** People who wait for something that `settle` is called after. A check gives true when it holds, or throws. */
export interface Conditions {
  until(check: () => boolean, signal: AbortSignal): Promise<void>;
  settle(): void;
}

export function conditions(): Conditions {
  const waiting = new Set<() => void>();
  return {
    until: (check, signal) =>
      new Promise((resolve, reject) => {
        const finish = (act: () => void): void => {
          waiting.delete(look);
          signal.removeEventListener('abort', abort);
          act();
        };
        const abort = (): void => finish(() => reject(signal.reason));
        const look = (): void => {
          try {
            if (check()) finish(resolve);
          } catch (error) {
            finish(() => reject(error));
          }
        };
        signal.addEventListener('abort', abort, { once: true });
        waiting.add(look);
        if (signal.aborted) abort();
        else look();
      }),
    settle() {
      for (const look of [...waiting]) look();
    },
  };
}
