import { z } from 'zod';
import { cutText, millis, orders, paging, position, utc } from './shape.ts';

const summary = z
  .object({
    urn: z.string(),
    type: z.string(),
    name: z.string(),
    namespace: z.string(),
    platform: z.string(),
    description: z.string().optional(),
    owners: z.array(z.string()),
    tags: z.array(z.string()),
    position,
    updatedAt: utc,
  })
  .meta({ id: 'EntitySummary' });

export const searchAnswer = z.object({ items: z.array(summary), ...paging }).meta({
  examples: [
    {
      items: [
        {
          urn: orders,
          type: 'dataset',
          name: 'orders',
          namespace: 'shop',
          platform: 'hive',
          description: 'One row per order line',
          owners: ['urn:li:corpGroup:shop-data'],
          tags: ['urn:li:tag:gold'],
          position: '1-0-41',
          updatedAt: '2026-03-01T09:30:00.000Z',
        },
      ],
      total: 1,
      cut: '1:42.17.5.9',
    },
  ],
});

const counted = z.array(z.object({ value: z.string(), total: z.number().int() }));

export const facetAnswer = z.object({ types: counted, namespaces: counted, cut: cutText }).meta({
  examples: [
    {
      types: [{ value: 'dataset', total: 212 }],
      namespaces: [{ value: 'shop', total: 96 }],
      cut: '1:42.17.5.9',
    },
  ],
});

const aspect = z.looseObject({
  event: z.looseObject({ position, time: millis, change: z.string(), id: z.string() }),
  value: z.unknown().optional(),
});

export const entityAnswer = z
  .object({
    urn: z.string(),
    type: z.string(),
    namespace: z.string(),
    deleted: z.boolean(),
    position,
    time: millis,
    changed: position.nullable(),
    aspects: z.record(z.string(), aspect).meta({ description: 'by name; values as they were received' }),
    name: z.string(),
    platform: z.string(),
    asOf: z.object({ time: utc, position: position.optional() }).optional(),
    cut: cutText,
  })
  .meta({
    examples: [
      {
        urn: orders,
        type: 'dataset',
        namespace: 'shop',
        deleted: false,
        position: '1-0-41',
        time: 1_772_357_400_000,
        changed: '1-0-41',
        aspects: {
          datasetProperties: {
            event: {
              position: '1-0-41',
              time: 1_772_357_400_000,
              change: 'UPSERT',
              id: '0199d2a4-6d0c-7f54-9c35-5d2f3f1f7c11',
              namespace: 'shop',
              occurredAt: 1_772_357_399_000,
              recordedBy: 'local:owner',
            },
            value: { name: 'orders', description: 'One row per order line' },
          },
        },
        name: 'orders',
        platform: 'hive',
        cut: '1:42.17.5.9',
      },
    ],
  });
