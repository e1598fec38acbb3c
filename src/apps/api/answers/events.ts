import { z } from 'zod';
import { outcomes } from '../../../domain/outcome.ts';
import { cutText, millis, orders, paging, position, utc } from './shape.ts';

const event = z.looseObject({
  position,
  time: millis,
  urn: z.string().nullable(),
  outcome: z.enum(outcomes),
  type: z.string().optional(),
  aspect: z.string().nullable().optional(),
  change: z.enum(['UPSERT', 'PATCH', 'DELETE']).optional(),
  id: z.string().optional(),
  namespace: z.string().optional(),
  occurredAt: millis.optional(),
  recordedBy: z.string().optional(),
  actor: z.string().optional(),
  reason: z.string().optional(),
  duplicateOf: position.optional(),
  to: z.object({ position, time: millis }).nullable().optional(),
  value: z.unknown().optional(),
  result: z.unknown().optional(),
});

const listedEvent = event.meta({ id: 'Event' });

const anEvent = {
  position: '1-0-41',
  time: 1_772_357_400_000,
  urn: orders,
  type: 'dataset',
  aspect: 'datasetProperties',
  change: 'UPSERT',
  id: '0199d2a4-6d0c-7f54-9c35-5d2f3f1f7c11',
  namespace: 'shop',
  occurredAt: 1_772_357_399_000,
  recordedBy: 'local:owner',
  outcome: 'applied',
  to: null,
  value: { name: 'orders', description: 'One row per order line' },
};

export const eventAnswer = event
  .extend({ cut: cutText })
  .meta({ examples: [{ ...anEvent, cut: '1:42.17.5.9' }] });

export const eventsAnswer = z
  .object({
    items: z.array(listedEvent),
    range: z
      .object({ since: utc.nullable(), until: utc.nullable() })
      .optional()
      .meta({ description: 'the range that was meant, in UTC' }),
    ...paging,
  })
  .meta({
    examples: [{ items: [anEvent], total: 1, range: { since: null, until: null }, cut: '1:42.17.5.9' }],
  });
