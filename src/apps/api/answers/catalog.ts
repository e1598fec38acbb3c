import { z } from 'zod';
import { fault, millis, ok } from './shape.ts';

const count = z.number().int();

export const catalogAnswer = ok(
  z
    .object({
      items: z.array(
        z.object({
          source: z.string(),
          place: z.string(),
          state: z.enum(['waiting', 'scanning', 'elsewhere']).meta({
            description: 'elsewhere: another process scans it',
          }),
          scans: count.meta({ description: 'since this process started' }),
          fault,
          last: z
            .looseObject({
              endedAt: millis,
              tookMs: count,
              entities: count.meta({ description: 'tables and folders that the source has' }),
              looked: count.meta({ description: 'tables whose files were looked into' }),
              same: count.meta({ description: 'tables whose files were as they were' }),
              events: count,
              deleted: count,
              unread: count.meta({ description: 'files and folders that could not be read' }),
              refused: count,
              contested: count.meta({ description: 'entities that a scan of another source owns' }),
            })
            .nullable(),
        }),
      ),
    })
    .meta({
      examples: [
        {
          items: [
            {
              ...{ source: 'lake', place: 'azure:shop/lake', state: 'waiting', scans: 4, fault: null },
              last: {
                ...{ endedAt: 1_781_521_200_000, tookMs: 812, entities: 1_204, looked: 3, same: 1_170 },
                ...{ events: 7, deleted: 0, unread: 1, refused: 0, contested: 0 },
              },
            },
          ],
        },
      ],
    }),
);

export const touchedAnswer = ok(
  z
    .looseObject({
      notices: count.optional(),
      touched: count.optional().meta({ description: 'places that are scanned soon' }),
      validationResponse: z.string().optional(),
    })
    .meta({ examples: [{ notices: 1, touched: 1 }, { validationResponse: '512d38b6' }] }),
);
