import type { Cut } from '../domain/cut.ts';
import type { Fault } from '../domain/fault.ts';
import type { Intake } from '../intake/submit.ts';
import type { LaneProgress, ReadModel } from '../ports/read-model.ts';
import type { Drift } from '../streams/drift.ts';
import type { KeptDrill } from '../streams/drill-report.ts';
import type { Epoch } from '../streams/epochs.ts';
import type { MissingOffsets } from '../streams/missing-offsets.ts';
import type { RebuildProgress } from '../streams/rebuild-pace.ts';
import type { RebuildReport } from '../streams/rebuild-report.ts';
import type { VerifyReport } from '../streams/verify.ts';
import type { LogWatch } from '../streams/watch-log.ts';
import type { ArchiveLaneStatus } from './archive-lanes.ts';
import type { Catalog } from './catalog.ts';
import type { EpochTurns } from './epoch-turns.ts';
import type { Underway } from './operations.ts';
import type { Rebuilds } from './rebuilds.ts';
import type { Schemas } from './schemas.ts';
import type { VerifyAsked } from './verifications.ts';

/** A port, the adapter that answers it, and where that is. No secrets. */
export interface PortPlace {
  readonly port: 'log' | 'archive' | 'registry' | 'read-model';
  readonly adapter: string;
  readonly place: string;
  readonly embedded: boolean;
}

/** How far a projection is, as its serving index and the log tell it. */
export interface ProjectionStatus {
  readonly projection: string;
  readonly about: string;
  /** Of the index that serves. */
  readonly version: number;
  /** That this program folds and a rebuild makes. */
  readonly programVersion: number;
  /** starting = no index serves yet; halted = it needs somebody; paused = its lanes were stopped here. */
  readonly state: 'starting' | 'following' | 'paused' | 'halted';
  readonly index: string | null;
  readonly documents: number;
  /** Documents that should be found and that the engine cannot search. */
  readonly unindexable: number;
  readonly bytes: number;
  readonly cut: Cut | null;
  readonly lanes: readonly LaneProgress[];
  /** Offsets between progress and the log's end. */
  readonly lag: number;
  /** What the last comparison of the serving index with the archive found; null where nobody compared it yet. */
  readonly drift: Drift | null;
  /** The index that served before, and follows the log by the fold that made it: a rollback goes back to it. */
  readonly kept: FollowingStatus | null;
  /** Indexes at a past cut. */
  readonly beside: readonly KeptStatus[];
  readonly fault: Fault | null;
}

/** An index that does not serve. */
export interface KeptStatus {
  readonly index: string;
  readonly version: number;
  readonly cut: Cut | null;
  readonly documents: number;
  readonly bytes: number;
  /** Since when it does not serve, UTC ms. */
  readonly since: number;
}

/** An index that does not serve, and follows the log. */
export interface FollowingStatus extends KeptStatus {
  readonly lag: number;
  /** Why it does not, as far as this process knows. */
  readonly fault: Fault | null;
}

export interface Health {
  readonly ready: boolean;
  /** What is missing or degraded, one sentence each with its code. Empty when ready. */
  readonly reasons: readonly { readonly code: string; readonly detail: string }[];
  /** What somebody has to know though all goes on; absent where there is nothing. */
  readonly degraded?: Health['reasons'];
}

/** A rebuild or verification that was started here. */
export interface Operation extends Underway {
  readonly kind: 'rebuild' | 'verify';
  readonly projection: string;
  readonly progress: RebuildProgress | null;
  readonly rebuilt: RebuildReport | null;
  /** It was stopped or failed for what may pass: a rebuild of the same goes on with it. */
  readonly resumable: boolean;
  readonly verified: VerifyReport | null;
}

/** What runs over one epoch. */
export interface AnnalOfEpoch extends Rebuilds {
  readonly epochs: readonly Epoch[];
  readonly ports: readonly PortPlace[];
  /** Ages of what waits in the log of the open epoch, and lanes that stand still. */
  readonly watch: Pick<LogWatch, 'ageMs' | 'stalled' | 'stalls'>;
  /** Undefined in a process that takes nothing in. */
  readonly intake: Intake | undefined;
  readonly model: ReadModel;
  projections(): Promise<readonly ProjectionStatus[]>;
  archive(): Promise<readonly ArchiveLaneStatus[]>;
  /** Holes and gaps of all epochs, as the archive records them. */
  missing(): Promise<readonly MissingOffsets[]>;
  health(): Promise<Health>;
  /** The cut of a projection's serving index: all before it shows. Null before the first one. */
  cut(projection: string): Promise<Cut | null>;
  /** Resolves true when the position's lane of the projection's index has passed it, false after `waitMs`. */
  reached(
    projection: string,
    position: { epoch: number; partition: number; offset: number },
    waitMs: number,
  ): Promise<boolean>;
  /** Resolves when a projection's cut differs from `cut`, or after `waitMs`. */
  moved(projection: string, cut: Cut, waitMs: number): Promise<void>;
  /** Starts a verification; with `repair` it writes anew what differs, and verifies again. */
  verify(projection: string, asked?: VerifyAsked): Promise<Operation>;
  /** Reports of recoveries and drills, newest first, at most so many. */
  drills(most: number): Promise<readonly KeptDrill[]>;
  drillOf(id: string): Promise<KeptDrill | undefined>;
  /** Keeps the report of a drill beside the archive. Rejects with `NOTE_INVALID` for what is none of this log. */
  keepDrill(note: string): Promise<KeptDrill>;
  operation(id: string): Operation | undefined;
  /** Resolves once the operation has ended. Rejects with `OPERATION_UNKNOWN`. */
  ended(id: string): Promise<Operation>;
}

/** What the HTTP API and the command line need of a running Annal, whatever the profile. It goes on from epoch to epoch. */
export interface Annal extends AnnalOfEpoch {
  readonly turns: Omit<EpochTurns, typeof Symbol.asyncDispose>;
  readonly schemas: Schemas;
  /** Records that came behind the end of an epoch, since this process started. */
  readonly stragglers: () => number;
  /** Undefined in a process that scans nothing. */
  readonly catalog?: Catalog | undefined;
}
