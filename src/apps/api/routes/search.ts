import { z } from 'zod';
import type { ModelIndex } from '../../../ports/read-model.ts';
import { type EntitySearch, entityQuery, type Readable } from '../../../projections/queries.ts';
import type { Annal } from '../../annal.ts';
import { sendFacts } from '../answer.ts';
import { facetAnswer, searchAnswer } from '../answers/entities.ts';
import { ok } from '../answers/shape.ts';
import { nextCursor, readCursor } from '../cursor.ts';
import { cursor, limit, named, repeatable, text } from '../parameters.ts';
import { reading } from '../reading.ts';
import { type Api, readableBy } from '../request.ts';
import { summaryOf } from '../summary.ts';

const filters = {
  q: z
    .string()
    .max(1_024)
    .optional()
    .meta({
      description: 'words that all stand in it; the last may be the beginning of one',
      examples: ['orders'],
    }),
  type: repeatable(text),
  namespace: repeatable(text),
  platform: repeatable(text),
  owner: repeatable(text).meta({ description: 'URN of an owner, or its last part' }),
  tag: repeatable(text).meta({ description: 'URN of a tag, or its last part' }),
  source: repeatable(text).meta({ description: 'what a plugin read it from', examples: ['scan:datalake'] }),
} as const;

const filterShape = z.strictObject(filters);
const searchShape = z.strictObject({ ...filters, limit: limit(1_000, 20), cursor });

type Filters = z.output<typeof filterShape>;

const searchOf = (
  { q = '', type, namespace, platform, owner, tag, source }: Filters,
  most: number,
): EntitySearch => {
  const owners = named(owner, 'corpuser', 'corpGroup');
  const tags = named(tag, 'tag');
  return {
    text: q,
    limit: most,
    ...(type === undefined ? {} : { type }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(platform === undefined ? {} : { platform }),
    ...(owners === undefined ? {} : { owner: owners }),
    ...(tags === undefined ? {} : { tag: tags }),
    ...(source === undefined ? {} : { source }),
  };
};

export function searchRoutes(app: Api, annal: Annal): void {
  app.get(
    '/v1/search',
    {
      config: { needs: 'read', reads: 'entities' },
      schema: {
        summary: 'Find entities by words and filters',
        tags: ['entities'],
        querystring: searchShape,
        response: ok(searchAnswer),
      },
    },
    async (request, reply) => {
      const { limit: most, cursor: given, ...asked } = request.query;
      const before = readCursor(given, asked);
      const search = { ...searchOf(asked, most), ...(before === undefined ? {} : { after: before.after }) };
      const page = await reading(annal, 'entities', (index) =>
        index.query(entityQuery(search, readableBy(request))),
      );
      return sendFacts(reply, 200, {
        items: page.hits.map(({ body }) => summaryOf(body)),
        total: page.total,
        next: nextCursor(page, before, asked),
      });
    },
  );

  app.get(
    '/v1/facets',
    {
      config: { needs: 'read', reads: 'entities' },
      schema: {
        summary: 'Count what a search finds, by type and by namespace',
        tags: ['entities'],
        querystring: filterShape,
        response: ok(facetAnswer),
      },
    },
    async (request, reply) => {
      const readable = readableBy(request);
      const { type, namespace, ...others } = request.query;
      const [types, namespaces] = await reading(annal, 'entities', (index) =>
        Promise.all([
          countBy(index, 'type', { ...others, namespace }, readable),
          countBy(index, 'namespace', { ...others, type }, readable),
        ]),
      );
      return sendFacts(reply, 200, { types, namespaces });
    },
  );
}

const facetValuesMax = 50;
/** Sorts behind every URN. */
const beyond = '\u{10ffff}';

/**
 * How many entities a search finds for each value of a field, at most 50 values in order of their bytes. Each step asks
 * for the first hit behind all those of the value before, so it costs two small queries a value, not a reading of all.
 */
async function countBy(
  index: ModelIndex,
  field: 'type' | 'namespace',
  filter: Filters,
  readable: Readable,
): Promise<{ value: string; total: number }[]> {
  const counted: { value: string; total: number }[] = [];
  const { where } = entityQuery(searchOf(filter, 1), readable);
  let after: readonly string[] | undefined;
  while (counted.length < facetValuesMax) {
    const sort = [
      { field, order: 'asc' },
      { field: 'urn', order: 'asc' },
    ] as const;
    const page = await index.query({ where, sort, limit: 1, ...(after === undefined ? {} : { after }) });
    const value = page.hits[0]?.sortValues[0];
    if (typeof value !== 'string') break;
    const { total } = await index.query({
      where: [...where, { field, anyOf: [value] }],
      sort: [{ field: 'urn', order: 'asc' }],
      limit: 1,
    });
    counted.push({ value, total });
    after = [value, beyond];
  }
  return counted;
}
