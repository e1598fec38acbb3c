import type { Place, ReadyChange } from './change.ts';
import type { PublishError } from './publish-error.ts';

/** A change as it travels: made once, so that each try sends the same bytes. */
export interface Parcel {
  readonly change: ReadyChange;
  readonly bytes: Buffer;
}

export type Verdict =
  | { readonly place: Place; readonly repeated: boolean }
  | { readonly refused: PublishError };

/** A way to the log. Publishing over any of them keeps the same laws: test/contracts/publisher.contract.ts. */
export interface Transport extends AsyncDisposable {
  readonly where: Place['where'];
  /** Where it leads, without anything secret, for people. */
  readonly address: string;
  /** Of one sending; a single change may have more bytes. */
  readonly changesMax: number;
  readonly bytesMax: number;
  /** Throws a `PublishError` for what no try will ever bring in. */
  pack(change: ReadyChange): Parcel;
  /**
   * One try: a verdict for each, in order. Rejects with a `PublishError` where there is one answer for all; with
   * remedy `retry` where it is not known, or the same may go well later. Rejects with the signal's reason once it aborts.
   */
  send(parcels: readonly Parcel[], signal: AbortSignal): Promise<readonly Verdict[]>;
}
