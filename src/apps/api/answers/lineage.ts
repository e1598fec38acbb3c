import { z } from 'zod';
import { cutText, millis, orders, position, utc } from './shape.ts';

const columnEdge = z.object({
  from: z.array(z.string()),
  to: z.array(z.string()),
  operation: z.string().optional(),
});

const node = z
  .object({
    urn: z.string(),
    type: z.string(),
    name: z.string(),
    platform: z.string(),
    is: z
      .enum(['live', 'deleted', 'unknown'])
      .meta({ description: 'of a column: its table; unknown: never described, as far as you may read' }),
    up: z.number().int().optional().meta({ description: 'steps up from where it began' }),
    down: z.number().int().optional().meta({ description: 'steps down from where it began' }),
  })
  .meta({ id: 'LineageNode' });

const edge = z
  .object({
    from: z.string(),
    to: z.string().meta({ description: 'is made from `from`' }),
    by: z.string().meta({ description: 'the entity whose aspect says it' }),
    aspect: z.string(),
    position,
    time: millis,
    type: z.string().optional(),
    operation: z.string().optional(),
    columns: z.array(columnEdge).optional(),
  })
  .meta({ id: 'LineageEdge' });

const raw = 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.raw_orders,PROD)';

export const lineageAnswer = z
  .object({
    urn: z.string(),
    direction: z.enum(['up', 'down', 'both']),
    depth: z.number().int(),
    nodes: z.array(node).meta({ description: 'nearest first; where it began stands first' }),
    edges: z.array(edge),
    truncated: z
      .boolean()
      .meta({ description: 'there is more than has room; what lies behind it was not looked at' }),
    leftOut: z
      .object({ nodes: z.number().int(), edges: z.number().int(), columns: z.number().int() })
      .meta({ description: 'what was seen and has no room, at least' }),
    asOf: z.object({ time: utc, position: position.optional() }).optional(),
    cut: cutText,
  })
  .meta({
    examples: [
      {
        ...{ urn: orders, direction: 'up', depth: 3 },
        nodes: [
          { urn: orders, type: 'dataset', name: 'shop.orders', platform: 'hive', is: 'live', up: 0 },
          { urn: raw, type: 'dataset', name: 'shop.raw_orders', platform: 'hive', is: 'deleted', up: 1 },
        ],
        edges: [
          {
            ...{ from: raw, to: orders, by: orders, aspect: 'upstreamLineage' },
            ...{ position: '1-0-41', time: 1_772_357_400_000, type: 'TRANSFORMED' },
          },
        ],
        truncated: false,
        leftOut: { nodes: 0, edges: 0, columns: 0 },
        cut: '1:42.17.5.9',
      },
    ],
  });
