import { v7 as uuidV7 } from 'uuid';
import { Fault, isFault } from '../domain/fault.ts';
import type { BarrierOptions } from '../streams/barrier.ts';
import { liveClaim } from '../streams/claim.ts';
import type { VerifyContext } from '../streams/look.ts';
import type { Projector } from '../streams/projector.ts';
import type { RebuildProgress } from '../streams/rebuild-pace.ts';
import type { RebuildContext } from '../streams/rebuild-plan.ts';
import { verify } from '../streams/verify.ts';
import type { Operation } from './annal.ts';
import type { CatchUp } from './catch-up.ts';
import type { Operations } from './operations.ts';
import { known } from './rebuilds.ts';
import type { Log } from './runtime.ts';

export interface VerifyAsked {
  /** Write anew what differs. */
  readonly repair?: boolean;
}

export interface VerificationsGround {
  readonly context: RebuildContext;
  readonly running: Operations<Operation>;
  readonly caughtUp: CatchUp;
  readonly projectorOf: (name: string) => Projector | undefined;
  /** Whether other processes may project too. */
  readonly others: boolean;
  readonly say: Log;
}

/** How a read model is compared here: at a barrier across the lanes of this process, and of others where there may be some. */
export const verifyContext = (
  { context, caughtUp, others }: Pick<VerificationsGround, 'context' | 'caughtUp' | 'others'>,
  projector: Projector | undefined,
): VerifyContext => {
  const barrier: Partial<BarrierOptions> =
    projector === undefined ? { others } : { others, hold: () => projector.hold() };
  return { ...context, barrier, archivedTo: caughtUp.archivedTo };
};

/** Starts verifications. Rejects with `REBUILD_RUNNING` while somebody works on the projection. */
export function verifications(
  ground: VerificationsGround,
): (name: string, asked?: VerifyAsked) => Promise<Operation> {
  const { context, running, caughtUp, projectorOf, say } = ground;
  const { store, clock } = context;
  return async (name, asked = {}) => {
    const projection = known(name);
    const claim = await liveClaim(store.state, name, clock);
    if (claim !== undefined)
      throw new Fault('REBUILD_RUNNING', { projection: name, id: claim.id, kind: claim.kind });
    const id = uuidV7();
    const begun: Operation = {
      ...{ id, kind: 'verify', projection: name, progress: null, rebuilt: null, verified: null, fault: null },
      state: 'running',
      resumable: false,
    };
    return running.start(begun, async (change, signal) => {
      const onProgress = (progress: RebuildProgress): void => change({ progress });
      const projector = projectorOf(name);
      try {
        const archived = await caughtUp.archived(signal);
        if (projector !== undefined && archived !== undefined)
          await caughtUp.projected(projector, archived, signal);
        const held = verifyContext(ground, projector);
        const verified = await verify(held, projection, id, onProgress, signal, asked);
        const { index, differing, repair } = verified;
        if (repair !== null)
          say('warn', 'read model repaired', { index, written: repair.written, removed: repair.removed });
        if (!verified.equal) say('error', 'read model differs', { index, differing });
        return { verified };
      } catch (error) {
        const code = isFault(error) ? { code: error.code } : {};
        say('error', 'verify failed', { projection: name, id, ...code, error: String(error) });
        throw error;
      }
    });
  };
}
