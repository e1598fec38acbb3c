import { z } from 'zod';
import { Fault } from '../../../domain/fault.ts';
import type { Annal } from '../../annal.ts';
import type { TurnRequest } from '../../epoch-turn.ts';
import type { TurnOperation } from '../../epoch-turns.ts';
import { sendFacts } from '../answer.ts';
import { epochsAnswer, startAnswers, turnAnswer, turnRequest } from '../answers/epochs.ts';
import { wait } from '../parameters.ts';
import { problemOf } from '../problem.ts';
import type { Api } from '../request.ts';
import type { Waiting } from '../waiting.ts';

const path = '/v1/epochs';
const operationsPath = `${path}/operations`;

/** Epochs: which there are, and going over to the next one. */
export function epochRoutes(app: Api, annal: Annal, waiting: Waiting): void {
  app.get(
    path,
    {
      config: { needs: 'read' },
      schema: { summary: 'List the epochs of the log', tags: ['operations'], response: epochsAnswer },
    },
    async (_request, reply) => sendFacts(reply, 200, { items: await annal.turns.list() }),
  );
  app.post(
    path,
    {
      config: { needs: 'operate' },
      schema: {
        summary: 'Close the open epoch, open the next one, or tell the plan',
        tags: ['operations'],
        body: turnRequest,
        response: startAnswers,
      },
    },
    async (request, reply) => {
      const { plan, ...asked } = request.body;
      const turn = requestOf(asked);
      if (plan === true) return sendFacts(reply, 200, { plan: await annal.turns.plan(turn) });
      const operation = turnFacts(await annal.turns.start(turn));
      reply.header('location', operation.link);
      return sendFacts(reply, 202, { operation });
    },
  );
  operationRoute(app, annal, waiting);
}

function operationRoute(app: Api, annal: Annal, waiting: Waiting): void {
  const schema = {
    summary: 'Read how the turn to another epoch goes',
    tags: ['operations'],
    params: z.strictObject({ id: z.string().max(64) }),
    querystring: z.strictObject({ wait }),
    response: turnAnswer,
  };
  app.get(`${operationsPath}/:id`, { config: { needs: 'operate' }, schema }, async (request, reply) => {
    const { id } = request.params;
    const found = annal.turns.find(id);
    if (found === undefined) throw new Fault('OPERATION_UNKNOWN', { id });
    const waitMs = request.query.wait ?? 0;
    if (found.state === 'running' && waitMs > 0) await waiting.within(waitMs, annal.turns.ended(id));
    return sendFacts(reply, 200, turnFacts(annal.turns.find(id) ?? found));
  });
}

const requestOf = ({
  action,
  after,
  partitions,
  lost,
}: Omit<z.output<typeof turnRequest>, 'plan'>): TurnRequest => ({
  action,
  ...(after === undefined ? {} : { after }),
  ...(partitions === undefined ? {} : { partitions }),
  ...(lost === undefined ? {} : { lost }),
});

const turnFacts = ({ fault, ...operation }: TurnOperation) => ({
  ...operation,
  link: `${operationsPath}/${operation.id}`,
  fault: fault === null ? null : problemOf(fault),
});
