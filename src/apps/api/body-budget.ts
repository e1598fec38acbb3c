import type { FastifyRequest } from 'fastify';
import { Fault } from '../../domain/fault.ts';
import type { Api } from './request.ts';

/** Bytes of bodies that are being received or worked on, altogether and of one caller. */
export interface BodyBounds {
  readonly bytesMax: number;
  readonly callerBytesMax: number;
}

/** Room for 16 of the largest bodies, and for 4 of one caller. */
export const bodyBoundsDefault: BodyBounds = {
  bytesMax: 128 * 1024 * 1024,
  callerBytesMax: 32 * 1024 * 1024,
};

export interface BodyBudget {
  /** Bytes under way now. */
  readonly bytes: number;
  /**
   * Takes room for a body before any of it is read; gives what gives it back, once. Throws `CALLER_BUSY` where the caller has
   * no more, `INTAKE_BUSY` where nobody has.
   */
  take(caller: string, bytes: number): () => void;
}

export function bodyBudget({ bytesMax, callerBytesMax }: BodyBounds = bodyBoundsDefault): BodyBudget {
  const byCaller = new Map<string, number>();
  let all = 0;
  return {
    get bytes() {
      return all;
    },
    take(caller, bytes) {
      const own = byCaller.get(caller) ?? 0;
      // Into nothing anything goes, else what is larger than the bound would never go.
      if (own > 0 && own + bytes > callerBytesMax) throw new Fault('CALLER_BUSY', { caller, bytes: own });
      if (all > 0 && all + bytes > bytesMax) throw new Fault('INTAKE_BUSY', { bytes: all });
      byCaller.set(caller, own + bytes);
      all += bytes;
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        all -= bytes;
        const left = byCaller.get(caller)! - bytes;
        if (left === 0) byCaller.delete(caller);
        else byCaller.set(caller, left);
      };
    },
  };
}

/** What a body may come to: as long as it says, or the longest that is read; what is packed unpacks to no more than that. */
function bytesOf(request: FastifyRequest): number {
  const { bodyLimit } = request.routeOptions;
  const said = request.headers['content-length'];
  const isPlain = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase() === 'identity';
  return said === undefined || !isPlain ? bodyLimit : Math.min(Number(said), bodyLimit);
}

const bodied: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Routes of this scope take room for their bodies, and give it back when their answer or their caller is gone. */
export function boundBodies(scope: Api, budget: BodyBudget): void {
  scope.addHook('onRequest', async (request, reply) => {
    const { method, principal } = request;
    if (principal === undefined || !bodied.has(method)) return;
    const giveBack = budget.take(principal.name, bytesOf(request));
    reply.raw.once('close', giveBack);
    reply.raw.once('finish', giveBack);
  });
}
