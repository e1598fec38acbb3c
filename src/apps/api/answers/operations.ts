import { z } from 'zod';
import { answer, cutText, fault, refusals } from './shape.ts';

const operation = z.looseObject({
  id: z.string(),
  kind: z.enum(['rebuild', 'verify']),
  projection: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  progress: z.object({ phase: z.string(), done: z.number(), total: z.number() }).nullable(),
  rebuilt: z.looseObject({ root: z.string() }).nullable(),
  verified: z.looseObject({ equal: z.boolean() }).nullable(),
  fault,
  link: z.string(),
});

const listedOperation = operation.meta({ id: 'Operation' });

const anOperation = {
  id: '0199d2a4-7f10-7a41-8a51-2b7a5f0d9c55',
  kind: 'rebuild',
  projection: 'entities',
  state: 'running',
  progress: { phase: 'fold', done: 12_000, total: 25_000 },
  rebuilt: null,
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
            projection: z.string(),
            version: z.number().int(),
            until: z.string(),
            events: z.number().int(),
            segments: z.number().int(),
            replaces: z.string().nullable(),
          }),
        ),
        cut: cutText,
      })
      .meta({
        examples: [
          {
            plans: [
              {
                projection: 'entities',
                version: 1,
                until: '1:42.17.5.9',
                events: 73,
                segments: 4,
                replaces: 'entities-v1-a1b2c3',
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
