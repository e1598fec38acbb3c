import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { type Cut, formatCut } from '../../domain/cut.ts';
import { Fault, isFault } from '../../domain/fault.ts';
import { type Action, allows, namespacesFor, type Principal } from '../../domain/policy.ts';
import type { Readable } from '../../projections/queries.ts';
import type { Annal } from '../annal.ts';
import type { Callers } from './caller.ts';

export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What a route asks of its caller. `open`: nothing; it tells nothing about what is stored. */
export type Needs = Action | 'open';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says it; a route that does not is refused. */
    needs?: Needs;
    /** A grant to publish will do as well: the route itself decides what is shown to whom. */
    orPublish?: boolean;
    /** The projection that the route reads: its cut is the answer's. */
    reads?: 'entities' | 'history' | 'edges';
    /** The token may come as the password of basic authentication, where clients know nothing else. */
    basic?: boolean;
  }
  interface FastifyRequest {
    /** Of a route that needs one. */
    principal: Principal | undefined;
    /** Text of the cut read before anything else was; null: no index serves, or the read model is away. */
    cut: string | null;
  }
}

/** Admits, identifies and decides, for every request, by the one policy; then reads the cut its answer will name. */
export function guard(app: Api, annal: Annal, callers: Callers): void {
  app.decorateRequest('principal', undefined);
  app.decorateRequest('cut', null);
  app.addHook('onRequest', async (request, reply) => {
    callers.admit(request);
    if (request.is404) return;
    const { needs, reads, orPublish = false } = request.routeOptions.config;
    if (needs === undefined) throw new Fault('INTERNAL', { reason: 'the route does not say what it needs' });
    if (needs === 'open') return;
    request.principal = callers.identify(request);
    permit(request.principal, needs, orPublish);
    nameCut(reply, reads === undefined ? await cutIfThere(annal, request) : await annal.cut(reads));
  });
}

function permit(principal: Principal, needs: Action, orPublish: boolean): void {
  const publishes = orPublish && namespacesFor(principal, 'publish').length > 0;
  const namespaces = namespacesFor(principal, needs);
  const allowed = needs === 'operate' ? allows(principal, 'operate', '*') : namespaces.length > 0;
  if (!allowed && !publishes) throw new Fault('NOT_ALLOWED', { action: needs, caller: principal.name });
}

/** Answers that read no document wait no longer than this for the cut that they name. */
const cutWaitMs = 250;

/** For answers that read no document: they are given also while no cut can be read, or an engine hangs. */
async function cutIfThere(annal: Annal, request: FastifyRequest): Promise<Cut | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), cutWaitMs);
  try {
    return await Promise.race([annal.cut('history'), late.promise]);
  } catch (error) {
    if (!isFault(error)) throw error;
    request.log.warn({ code: error.code }, 'cut not readable');
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** The cut of this answer, in its header and for its body: all before it shows in the answer. */
export function nameCut(reply: FastifyReply, cut: Cut | null): void {
  const text = cut === null ? null : formatCut(cut);
  reply.request.cut = text;
  reply.header('annal-cut', text ?? 'none');
}

/** Whose request it is; only for routes that need somebody. */
export function callerOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new Fault('INTERNAL', { reason: 'the route has no caller' });
  return request.principal;
}

/** What the caller may read: carried by every query. */
export const readableBy = (request: FastifyRequest): Readable => namespacesFor(callerOf(request), 'read');

/** Whether a document of this namespace may be shown; one without a namespace only to those who may read all. */
export const mayRead = (readable: Readable, namespace: unknown): boolean =>
  readable === 'all' || (typeof namespace === 'string' && readable.includes(namespace));
