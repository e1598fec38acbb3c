/** Time and waiting, so that tests own both. */
export interface Clock {
  /** UTC milliseconds. */
  now(): number;
  /** Resolves after `waitMs`, 0: once whoever else waits in this process was heard; rejects with the signal's reason once it aborts. */
  wait(waitMs: number, signal?: AbortSignal): Promise<void>;
}
