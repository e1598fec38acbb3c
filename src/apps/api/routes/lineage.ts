import { z } from 'zod';
import type { Annal } from '../../annal.ts';
import { sendFacts } from '../answer.ts';
import { lineageAnswer } from '../answers/lineage.ts';
import { ok } from '../answers/shape.ts';
import { exactAt } from '../as-of.ts';
import { walkLineage } from '../lineage.ts';
import { momentFacts, resolveMoment } from '../moments.ts';
import { count, limit, moment } from '../parameters.ts';
import { reading } from '../reading.ts';
import { type Api, readableBy } from '../request.ts';
import { notFound, params, urnOf } from './entities.ts';

const directions = { up: ['up'], down: ['down'], both: ['up', 'down'] } as const;

export function lineageRoutes(app: Api, annal: Annal, now: () => number): void {
  const schema = {
    summary: 'Read what an entity or a column is made from, and what is made from it',
    tags: ['entities'],
    params,
    querystring: z.strictObject({
      direction: z
        .enum(['up', 'down', 'both'])
        .default('both')
        .meta({ description: '`up`: what it is made from; `down`: what is made from it' }),
      depth: count(1, 20, 3, 'most steps from where it begins'),
      columns: z
        .enum(['true', 'false'])
        .default('false')
        .meta({ description: 'tell which columns each edge between tables is made of' }),
      'as-of': moment('as it was then'),
      limit: limit(10_000, 1_000),
    }),
    response: ok(lineageAnswer),
  };
  const config = { needs: 'read', reads: 'edges' } as const;
  app.get('/v1/entities/:urn/lineage', { config, schema }, async (request, reply) => {
    const urn = await urnOf(annal, request, request.params.urn);
    const { direction, depth, columns, limit: nodesMax, 'as-of': given } = request.query;
    const at = given === undefined ? undefined : await resolveMoment(annal, request, 'as-of', given, now());
    const asOf = at === undefined ? undefined : momentFacts(at);
    const lineage = await reading(annal, 'edges', (index) =>
      walkLineage(index, {
        ...{ urn, depth, nodesMax, directions: directions[direction], columns: columns === 'true' },
        ...{ moment: at, readable: readableBy(request) },
        isExact: exactAt(annal, at),
      }),
    );
    if (lineage.edges.length === 0 && !lineage.truncated && lineage.nodes[0]?.is === 'unknown')
      throw await notFound(annal, request, urn, asOf === undefined ? {} : { asOf });
    return sendFacts(reply, 200, { urn, direction, depth, ...lineage, asOf });
  });
}
