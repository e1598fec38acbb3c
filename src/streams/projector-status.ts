import type { Fault } from '../domain/fault.ts';
import type { LaneProgress } from '../ports/read-model.ts';

/** How far one projection is. `lag` counts offsets between its progress and the log's end. */
export interface ProjectorStatus {
  readonly projection: string;
  readonly state: 'starting' | 'running' | 'paused' | 'waiting' | 'halted';
  readonly index: string | undefined;
  readonly lanes: readonly LaneProgress[];
  readonly lag: number;
  readonly fault: Fault | undefined;
}

export type ProjectorNotice =
  | {
      readonly kind: 'progress';
      readonly projection: string;
      readonly lane: LaneProgress;
      readonly records: number;
    }
  | { readonly kind: 'session'; readonly projection: string; readonly index: string }
  | { readonly kind: 'fault'; readonly projection: string; readonly fault: Fault };
