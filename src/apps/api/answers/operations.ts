import { z } from 'zod';
import { answer, cutText, fault, refusals } from './shape.ts';

const operation = z.looseObject({
  id: z.string(),
  kind: z.enum(['rebuild', 'verify']),
  projection: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  progress: z
    .looseObject({
      phase: z.string(),
      done: z.number(),
      total: z.number(),
      documents: z.number().optional().meta({ description: 'stored so far' }),
      eventsPerSecond: z.number().optional(),
      documentsPerSecond: z.number().optional(),
      leftMs: z.number().optional().meta({ description: 'until all of it is done, by the rates so far' }),
      lanes: z
        .array(z.looseObject({ partition: z.number(), done: z.number(), total: z.number() }))
        .optional(),
    })
    .nullable(),
  rebuilt: z.looseObject({ root: z.string() }).nullable(),
  resumable: z
    .boolean()
    .meta({ description: 'stopped, or failed for what may pass: the same again goes on' }),
  verified: z.looseObject({ equal: z.boolean() }).nullable(),
  fault,
  link: z.string(),
});

export const listedOperation = operation.meta({ id: 'Operation' });

export const anOperation = {
  id: '0199d2a4-7f10-7a41-8a51-2b7a5f0d9c55',
  kind: 'rebuild',
  projection: 'entities',
  state: 'running',
  progress: { phase: 'fold', done: 12_000, total: 25_000, eventsPerSecond: 40_000, leftMs: 420 },
  rebuilt: null,
  resumable: false,
  verified: null,
  fault: null,
  link: '/v1/rebuilds/0199d2a4-7f10-7a41-8a51-2b7a5f0d9c55',
};

export const operationAnswer = operation
  .extend({ cut: cutText })
  .meta({ examples: [{ ...anOperation, cut: '1:42.17.5.9' }] });

const begun = answer(
  'Started; `Location` is where the first one is read',
  z
    .object({
      operations: z.array(listedOperation),
      refused: z.array(z.looseObject({ projection: z.string(), code: z.string(), detail: z.string() })),
      cut: cutText,
    })
    .meta({ examples: [{ operations: [anOperation], refused: [], cut: '1:42.17.5.9' }] }),
);

export const operationsAnswer = { 202: begun, ...refusals };

export const startAnswers = {
  200: answer(
    'The plan: nothing was changed',
    z
      .object({
        plans: z.array(
          z.looseObject({
            kind: z.enum(['rebuild', 'as-of']),
            projection: z.string(),
            version: z.number().int(),
            until: z.string(),
            events: z.number().int(),
            segments: z.number().int(),
            bytes: z.number().int().meta({ description: 'to read, compressed as they lie' }),
            documents: z.number().int().nullable().meta({ description: 'as many as serve now: an estimate' }),
            blobs: z
              .object({ reads: z.number(), lists: z.number(), writesPerMinute: z.number() })
              .meta({ description: 'what is asked of the blob store, by class of price' }),
            estimatedMs: z
              .number()
              .nullable()
              .meta({ description: 'by the rates of its last rebuild; null until there is one' }),
            replaces: z.string().nullable(),
            drops: z.string().nullable().meta({ description: 'the kept index that goes with the swap' }),
            resumes: z
              .object({ id: z.string(), step: z.string(), startedAt: z.number() })
              .nullable()
              .meta({ description: 'a rebuild that was left and is gone on with' }),
            discards: z
              .string()
              .nullable()
              .meta({ description: 'id of one that was left and is cleared away' }),
          }),
        ),
        cut: cutText,
      })
      .meta({
        examples: [
          {
            plans: [
              {
                kind: 'rebuild',
                projection: 'entities',
                version: 1,
                until: '1:42.17.5.9',
                events: 73,
                segments: 4,
                bytes: 18_432,
                documents: 40,
                blobs: { reads: 8, lists: 4, writesPerMinute: 24 },
                estimatedMs: 90,
                replaces: 'entities-v1-a1b2c3',
                drops: null,
                resumes: null,
                discards: null,
              },
            ],
            cut: '1:42.17.5.9',
          },
        ],
      }),
  ),
  202: begun,
  ...refusals,
};
