import { randomUUID } from 'node:crypto';
import { setTimeout as timer } from 'node:timers/promises';
import { type Backoff, backoffDefault, pauseMs } from './backoff.ts';
import { nextBatch } from './batch.ts';
import type { Change, Published } from './change.ts';
import { isPublishError, PublishError } from './publish-error.ts';
import type { Parcel, Transport, Verdict } from './transport.ts';

export interface PublisherOptions {
  readonly transport: Transport;
  /** Changes and bytes in memory that are not acknowledged. Default 10,000 and 64 MiB. */
  readonly pendingMax?: number;
  readonly pendingBytesMax?: number;
  /** How long the first change of a batch waits for others. Default 5 ms. */
  readonly lingerMs?: number;
  /** How long a change is tried again, from its first try on. Default 5 minutes; `Infinity`: until closed. */
  readonly patienceMs?: number;
  readonly backoff?: Backoff;
  /** Told before each pause. */
  readonly onRetry?: (error: PublishError, waitMs: number) => void;
}

/**
 * Publishes changes. Each is sent until it is acknowledged or refused for good, always under the same id, so that a try too many
 * has no second effect. Changes of one aspect of one entity reach the log in the order in which they were published, also
 * where one of them has to be tried again; one that is refused for good does not hold up those after it.
 */
export interface Publisher extends AsyncDisposable {
  /**
   * Resolves once the change is acknowledged. Rejects with a `PublishError`: what it was refused with; `PUBLISHER_FULL` at once
   * where there is no room (wait for `room`); `PUBLISHER_CLOSED`. Rejects with the signal's reason once it aborts: a change
   * that was on its way then may still arrive.
   */
  publish(change: Change, options?: { readonly signal?: AbortSignal }): Promise<Published>;
  /** Resolves as soon as another change may be published. */
  room(signal?: AbortSignal): Promise<void>;
  readonly hasRoom: boolean;
  /** Changes that are neither acknowledged nor refused. */
  readonly pending: number;
  /** Why the last try failed, until one goes well. */
  readonly failing: PublishError | undefined;
  /** Resolves when nothing is pending. */
  idle(): Promise<void>;
  /**
   * Takes no more, and waits until nothing is pending, at most `graceMs` (default 30 s): what is left then rejects with
   * `PUBLISHER_CLOSED`, and is counted in the answer. The transport is closed too.
   */
  close(graceMs?: number): Promise<{ readonly unacknowledged: number }>;
}

interface Pending {
  readonly parcel: Parcel;
  readonly promise: PromiseWithResolvers<Published>;
  firstTriedMs: number | undefined;
  /** Nobody waits for it any more. */
  settled: boolean;
}

export function openPublisher(options: PublisherOptions): Publisher {
  const { transport, pendingMax = 10_000, pendingBytesMax = 64 * 1024 * 1024 } = options;
  const { lingerMs = 5, patienceMs = 300_000, backoff = backoffDefault, onRetry } = options;
  const closing = new AbortController();
  let queue: Pending[] = [];
  let [pending, pendingBytes, accepts] = [0, 0, true];
  let running: Promise<void> | undefined;
  let failing: PublishError | undefined;
  let ended: Promise<{ readonly unacknowledged: number }> | undefined;
  const waitingForRoom = new Set<() => void>();
  const waitingForIdle = new Set<() => void>();

  const hasRoom = (): boolean => pending < pendingMax && pendingBytes < pendingBytesMax;

  function settle(one: Pending, how: (promise: PromiseWithResolvers<Published>) => void): void {
    if (one.settled) return;
    one.settled = true;
    pending -= 1;
    pendingBytes -= one.parcel.bytes.length;
    how(one.promise);
    if (hasRoom() || !accepts) for (const wake of [...waitingForRoom]) wake();
    if (pending === 0) for (const wake of [...waitingForIdle]) wake();
  }

  const acknowledge = (one: Pending, verdict: Extract<Verdict, { place: unknown }>): void => {
    const { urn, aspect = null, id } = one.parcel.change;
    settle(one, ({ resolve }) => resolve({ urn, aspect, id, ...verdict }));
  };
  const reject = (one: Pending, error: unknown): void => settle(one, (promise) => promise.reject(error));

  /** One try. Answers what has to be tried again, and for how long it should rest. */
  async function attempt(
    batch: readonly Pending[],
  ): Promise<{ again: Pending[]; askedMs: number | undefined }> {
    for (const one of batch) one.firstTriedMs ??= performance.now();
    let verdicts: readonly Verdict[];
    try {
      verdicts = await transport.send(
        batch.map(({ parcel }) => parcel),
        closing.signal,
      );
      if (verdicts.length !== batch.length) throw new RangeError('a transport answers for each change');
    } catch (error) {
      if (!isPublishError(error)) throw error;
      verdicts = batch.map(() => ({ refused: error }));
    }
    const again: Pending[] = [];
    let [askedMs, last]: [number | undefined, PublishError | undefined] = [undefined, undefined];
    for (const [at, verdict] of verdicts.entries()) {
      const one = batch[at]!;
      if ('place' in verdict) acknowledge(one, verdict);
      else if (verdict.refused.remedy === 'retry' && performance.now() - one.firstTriedMs! < patienceMs) {
        again.push(one);
        last = verdict.refused;
        askedMs = Math.max(askedMs ?? 0, last.retryAfterMs ?? 0);
      } else reject(one, verdict.refused);
    }
    failing = last;
    return { again, askedMs };
  }

  /** Until each of a batch is settled; nothing that was published later overtakes it. */
  async function deliver(batch: readonly Pending[]): Promise<void> {
    let rest = batch.filter(({ settled }) => !settled);
    for (let tries = 1; rest.length > 0; tries += 1) {
      const { again, askedMs } = await attempt(rest);
      if (again.length > 0) {
        const waitMs = pauseMs(tries, backoff, askedMs, Math.random());
        onRetry?.(failing!, waitMs);
        await timer(waitMs, undefined, { signal: closing.signal });
      }
      rest = again.filter(({ settled }) => !settled);
    }
  }

  async function run(): Promise<void> {
    try {
      if (lingerMs > 0 && accepts) await timer(lingerMs, undefined, { signal: closing.signal });
      for (;;) {
        queue = queue.filter(({ settled }) => !settled);
        if (queue.length === 0) return;
        const batch = nextBatch(queue, transport);
        queue = queue.slice(batch.length);
        await deliver(batch).catch((error: unknown) => {
          for (const one of batch) reject(one, closing.signal.aborted ? closed() : error);
          if (closing.signal.aborted) throw error;
        });
      }
    } catch (error) {
      if (!closing.signal.aborted) throw error;
      for (const one of queue) reject(one, closed());
      queue = [];
    } finally {
      running = undefined;
    }
  }

  async function waitIn(waiting: Set<() => void>, done: () => boolean, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    while (!done()) {
      const turn = Promise.withResolvers<void>();
      const abort = (): void => turn.reject(signal?.reason);
      waiting.add(turn.resolve);
      signal?.addEventListener('abort', abort, { once: true });
      try {
        await turn.promise;
      } finally {
        waiting.delete(turn.resolve);
        signal?.removeEventListener('abort', abort);
      }
    }
  }

  const idle = (): Promise<void> => waitIn(waitingForIdle, () => pending === 0);

  async function end(graceMs: number): Promise<{ readonly unacknowledged: number }> {
    accepts = false;
    for (const wake of [...waitingForRoom]) wake();
    const late = new AbortController();
    await Promise.race([
      idle(),
      // It is cancelled as soon as nothing is pending.
      timer(graceMs, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    const unacknowledged = pending;
    closing.abort(closed());
    await running;
    await transport[Symbol.asyncDispose]();
    return { unacknowledged };
  }

  return {
    get hasRoom() {
      return hasRoom();
    },
    get pending() {
      return pending;
    },
    get failing() {
      return failing;
    },
    async publish(change, { signal } = {}) {
      signal?.throwIfAborted();
      if (!accepts) throw closed();
      if (!hasRoom()) throw full(pending);
      const { id = randomUUID(), occurredAt = Date.now() } = change;
      const parcel = transport.pack({ ...change, id, occurredAt });
      const one: Pending = {
        ...{ parcel, promise: Promise.withResolvers<Published>() },
        ...{ firstTriedMs: undefined, settled: false },
      };
      queue.push(one);
      pending += 1;
      pendingBytes += parcel.bytes.length;
      const abort = (): void => reject(one, signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      running ??= run();
      return one.promise.promise.finally(() => signal?.removeEventListener('abort', abort));
    },
    async room(signal) {
      await waitIn(waitingForRoom, () => hasRoom() || !accepts, signal);
      if (!accepts) throw closed();
    },
    idle,
    close(graceMs = 30_000) {
      ended ??= end(graceMs);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}

const closed = (): PublishError =>
  new PublishError('PUBLISHER_CLOSED', { detail: 'the publisher was closed before it was acknowledged' });

const full = (pending: number): PublishError =>
  new PublishError('PUBLISHER_FULL', { detail: `${pending} changes wait to be acknowledged` });
