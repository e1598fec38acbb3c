/** Requests that wait for something to happen, and are all let go when the server closes. */
export interface Waiting {
  readonly over: boolean;
  /** What `happening` gives, or undefined once the server closes. */
  for<T>(happening: Promise<T>): Promise<T | undefined>;
  /** The same, or undefined after `waitMs`. */
  within<T>(waitMs: number, happening: Promise<T>): Promise<T | undefined>;
  end(): void;
}

export function waitingRequests(): Waiting {
  const waiters = new Set<() => void>();
  let over = false;

  async function until<T>(happening: Promise<T>): Promise<T | undefined> {
    if (over) return undefined;
    // Not a race against one promise that lives as long as the server: it would keep every request ever made.
    const released = Promise.withResolvers<undefined>();
    const release = (): void => released.resolve(undefined);
    waiters.add(release);
    try {
      return await Promise.race([happening, released.promise]);
    } finally {
      waiters.delete(release);
    }
  }

  return {
    get over() {
      return over;
    },
    for: until,
    async within<T>(waitMs: number, happening: Promise<T>): Promise<T | undefined> {
      const timer = Promise.withResolvers<undefined>();
      const timeout = setTimeout(() => timer.resolve(undefined), waitMs);
      try {
        return await until(Promise.race([happening, timer.promise]));
      } finally {
        clearTimeout(timeout);
      }
    },
    end() {
      over = true;
      for (const release of waiters) release();
    },
  };
}
