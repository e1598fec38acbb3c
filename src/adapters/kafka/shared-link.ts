import type { Clock } from '../../ports/clock.ts';
import { isFit, type Link } from './link.ts';

/** How long closing waits for answers that are on their way. */
const drainMs = 10_000;

/** One link for many callers at once: opened when needed, replaced after a failure on it or when idle for too long. */
export interface SharedLink {
  /** Runs `work` on the open link, or on a new one. Rejects with what opening or `work` rejects with. */
  use<T>(work: (link: Link) => Promise<T>): Promise<T>;
  /** Takes no more work, waits for what is under way, and closes. */
  close(): Promise<void>;
}

interface Use {
  readonly opened: Promise<Link>;
  /** Once it is open. */
  link: Link | undefined;
  readonly idle: PromiseWithResolvers<void>;
  users: number;
  unfit: boolean;
}

/** `first` is open already and belongs to the shared link from now on. */
export function sharedLink(clock: Clock, open: () => Promise<Link>, first: Link): SharedLink {
  const fresh = (opened: Promise<Link>): Use => ({
    opened,
    link: undefined,
    idle: Promise.withResolvers(),
    users: 0,
    unfit: false,
  });
  const inUse = new Set<Use>();
  let current: Use | undefined = fresh(Promise.resolve(first));
  let usedAt = clock.now();
  let closed = false;

  const closeNow = (use: Use): void => {
    use.idle.resolve();
    inUse.delete(use);
    void use.opened.then(
      (link) => link.close(),
      () => {}, // Never opened: who asked for it was told.
    );
  };

  /** The last user closes an unfit link: an answer on its way to another caller is not cut off. */
  const retire = (use: Use): void => {
    use.unfit = true;
    if (current === use) current = undefined;
    if (use.users === 0) closeNow(use);
  };

  return {
    async use(work) {
      if (closed) throw new Error('the log was closed');
      const { link } = current ?? {};
      if (current !== undefined && link !== undefined && !isFit(link, usedAt, clock.now())) retire(current);
      current ??= fresh(open());
      const use = current;
      inUse.add(use);
      use.users += 1;
      usedAt = clock.now();
      try {
        use.link = await use.opened;
        const result = await work(use.link);
        usedAt = clock.now();
        return result;
      } catch (error) {
        use.unfit = true;
        if (current === use) current = undefined;
        throw error;
      } finally {
        use.users -= 1;
        if (use.users === 0 && (use.unfit || closed)) closeNow(use);
      }
    },
    async close() {
      closed = true;
      if (current !== undefined) retire(current);
      const waited = new AbortController();
      await Promise.race([
        Promise.all([...inUse].map((use) => use.idle.promise)),
        clock.wait(drainMs, waited.signal).catch(() => {}), // Ended early: everything is idle.
      ]);
      waited.abort();
      for (const use of [...inUse]) closeNow(use);
    },
  };
}
