import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { formatCut } from '../../../domain/cut.ts';
import { Fault, isFault } from '../../../domain/fault.ts';
import { projections } from '../../../projections/registry.ts';
import type { RebuildPlan } from '../../../streams/rebuild-plan.ts';
import type { Annal, Operation } from '../../annal.ts';
import { sendFacts } from '../answer.ts';
import { operationAnswer, operationsAnswer, startAnswers } from '../answers/operations.ts';
import { ok } from '../answers/shape.ts';
import { wait } from '../parameters.ts';
import { problemOf } from '../problem.ts';
import type { Api } from '../request.ts';
import type { Waiting } from '../waiting.ts';

const projectionName = z
  .string()
  .min(1)
  .max(64)
  .meta({ examples: ['entities'] });

const workersMax = 64;
const paths = { rebuild: '/v1/rebuilds', verify: '/v1/verifications' } as const;

export function operationRoutes(app: Api, annal: Annal, waiting: Waiting): void {
  const config = { needs: 'operate' } as const;
  app.post(
    paths.rebuild,
    {
      config,
      schema: {
        summary: 'Build a projection, or `all`, again from the archive; or tell the plan',
        tags: ['operations'],
        body: z
          .strictObject({
            projection: projectionName,
            plan: z.boolean().optional(),
            acceptUnindexable: z.int().min(0).optional(),
            acceptEmpty: z
              .boolean()
              .optional()
              .meta({ description: 'replace an index though no event is before the cut' }),
            workers: z
              .int()
              .min(1)
              .max(workersMax)
              .optional()
              .meta({ description: 'threads that fold and store' }),
            asOf: z
              .string()
              .max(8_192)
              .optional()
              .meta({ description: 'a past cut or time: the index is left beside the one that serves' }),
          })
          .meta({
            examples: [
              { projection: 'entities', plan: true },
              { projection: 'history', asOf: '2h' },
            ],
          }),
        response: startAnswers,
      },
    },
    async (request, reply) => {
      const { projection, plan, ...options } = request.body;
      const names = namesOf(projection);
      if (plan !== true) {
        const rebuild = (name: string): Promise<Operation> => annal.rebuild(name, given(options));
        return sendStarted(reply, 'rebuild', await started(names, rebuild));
      }
      const plans: RebuildPlan[] = [];
      for (const name of names) plans.push(await annal.plan(name, options.asOf));
      return sendFacts(reply, 200, {
        plans: plans.map((made) => ({ ...made, until: formatCut(made.until) })),
      });
    },
  );
  app.post(
    paths.verify,
    {
      config,
      schema: {
        summary: 'Compare what serves a projection, or `all`, with the fold of the archive',
        tags: ['operations'],
        body: z
          .strictObject({ projection: projectionName, repair: z.boolean().optional() })
          .meta({ examples: [{ projection: 'entities' }] }),
        response: operationsAnswer,
      },
    },
    async (request, reply) => {
      const { projection, repair = false } = request.body;
      const verify = (name: string): Promise<Operation> => annal.verify(name, { repair });
      return sendStarted(reply, 'verify', await started(namesOf(projection), verify));
    },
  );
  for (const kind of ['rebuild', 'verify'] as const) readRoute(app, annal, waiting, kind);
}

function readRoute(app: Api, annal: Annal, waiting: Waiting, kind: Operation['kind']): void {
  const schema = {
    summary: `Read how a ${kind === 'rebuild' ? 'rebuild' : 'verification'} goes`,
    tags: ['operations'],
    params: z.strictObject({ id: z.string().max(64) }),
    querystring: z.strictObject({ wait }),
    response: ok(operationAnswer),
  };
  app.get(`${paths[kind]}/:id`, { config: { needs: 'operate' }, schema }, async (request, reply) => {
    const { id } = request.params;
    const found = annal.operation(id) ?? (await annal.rebuildOf(id));
    if (found === undefined || found.kind !== kind) throw new Fault('OPERATION_UNKNOWN', { id });
    const waitMs = request.query.wait ?? 0;
    const ended =
      found.state === 'running' && waitMs > 0 ? await waiting.within(waitMs, endOf(annal, id)) : undefined;
    return sendFacts(reply, 200, operationFacts(ended ?? annal.operation(id) ?? found));
  });
}

/** An option that was left out is not given at all. */
const given = ({
  acceptUnindexable,
  acceptEmpty,
  workers,
  asOf,
}: {
  acceptUnindexable?: number | undefined;
  acceptEmpty?: boolean | undefined;
  workers?: number | undefined;
  asOf?: string | undefined;
}) => ({
  ...(acceptUnindexable === undefined ? {} : { acceptUnindexable }),
  ...(acceptEmpty === undefined ? {} : { acceptEmpty }),
  ...(workers === undefined ? {} : { workers }),
  ...(asOf === undefined ? {} : { asOf }),
});

/** One of another process ends without a word here: whoever waits for it asks again. */
export const endOf = (annal: Annal, id: string): Promise<Operation> =>
  annal.operation(id) === undefined ? new Promise(() => undefined) : annal.ended(id);

function namesOf(projection: string): string[] {
  const known = projections.map(({ definition }) => definition.projection);
  if (projection === 'all') return known;
  if (!known.includes(projection)) throw new Fault('PROJECTION_UNKNOWN', { projection, known });
  return [projection];
}

interface Started {
  readonly operations: readonly Operation[];
  readonly refused: readonly { readonly projection: string; readonly fault: Fault }[];
}

/** Starts each. Where none could be started the first refusal is thrown. */
async function started(
  names: readonly string[],
  start: (name: string) => Promise<Operation>,
): Promise<Started> {
  const operations: Operation[] = [];
  const refused: { projection: string; fault: Fault }[] = [];
  for (const projection of names) {
    try {
      operations.push(await start(projection));
    } catch (error) {
      if (!isFault(error)) throw error;
      refused.push({ projection, fault: error });
    }
  }
  const [first] = refused;
  if (operations.length === 0 && first !== undefined) throw first.fault;
  return { operations, refused };
}

function sendStarted(
  reply: FastifyReply,
  kind: Operation['kind'],
  { operations, refused }: Started,
): FastifyReply {
  const [first] = operations;
  if (first !== undefined) reply.header('location', `${paths[kind]}/${first.id}`);
  return sendFacts(reply, 202, {
    operations: operations.map(operationFacts),
    refused: refused.map(({ projection, fault }) => ({ projection, ...problemOf(fault) })),
  });
}

/** An operation as answers tell it. */
export const operationFacts = ({ fault, ...operation }: Operation) => ({
  ...operation,
  link: `${paths[operation.kind]}/${operation.id}`,
  fault: fault === null ? null : problemOf(fault),
});
