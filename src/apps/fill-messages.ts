import type { PortSettings } from '../composition/settings.ts';
import type { Cut } from '../domain/cut.ts';
import type { Fault, FaultCode } from '../domain/fault.ts';
import type { Epoch } from '../streams/epochs.ts';
import type { FillProgress, FillShare } from '../streams/fill-index.ts';

/** What a thread is told that fills a share of an index. */
export interface FillOrder {
  readonly settings: PortSettings;
  /** Id of the log. */
  readonly log: string;
  readonly epochs: readonly Epoch[];
  readonly projection: string;
  readonly until: Cut;
  /** Name of the index. */
  readonly index: string;
  /** Of the rebuild. */
  readonly id: string;
  readonly share: FillShare;
}

/** What it tells: how much is done, at last that it is over, or what it failed of. */
export type FillNews =
  | { readonly done: FillProgress }
  | { readonly over: true }
  | { readonly fault: FaultCode; readonly facts: Fault['facts'] };
