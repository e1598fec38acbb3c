/** Time and waiting, so that tests own both. */
export interface Clock {
  /** UTC milliseconds. */
  now(): number;
  /** Resolves after `waitMs`; rejects with the signal's reason once it aborts. */
  wait(waitMs: number, signal?: AbortSignal): Promise<void>;
}
