import { z } from 'zod';
import { answer, cutText, fault, ok, refusals, utc } from './shape.ts';

const opened = z
  .object({ epoch: z.number().int(), topic: z.string(), partitions: z.number().int() })
  .nullable();

export const epochsAnswer = ok(
  z
    .object({
      items: z.array(
        z.object({
          epoch: z.number().int(),
          topic: z.string(),
          partitions: z.number().int(),
          state: z.enum(['open', 'closed', 'ended']).meta({
            description: 'closed: it takes nothing in any more; ended: the next one says where',
          }),
          openedAt: utc,
          closedAt: utc.nullable(),
          lost: z.boolean().meta({ description: 'its topic was lost: it ended where its archive did' }),
          end: z.string().nullable().meta({ description: 'cut' }),
          events: z.number().int().nullable(),
        }),
      ),
      cut: cutText,
    })
    .meta({
      examples: [
        {
          items: [
            {
              ...{ epoch: 1, topic: 'annal.e1', partitions: 4, state: 'open' },
              ...{
                openedAt: '2026-01-01T00:00:00.000Z',
                closedAt: null,
                lost: false,
                end: null,
                events: null,
              },
            },
          ],
          cut: '1:42.17.5.9',
        },
      ],
    }),
);

export const turnRequest = z
  .strictObject({
    action: z
      .enum(['close', 'open'])
      .meta({ description: 'open closes as well, where that is not done yet' }),
    after: z.number().int().min(1).max(511).optional().meta({ description: 'the epoch that ends' }),
    partitions: z.number().int().min(1).max(512).optional(),
    lost: z.boolean().optional().meta({ description: 'its log is gone: it ends where its archive does' }),
    plan: z.boolean().optional().meta({ description: 'tell what would be done, and do nothing' }),
  })
  .meta({ examples: [{ action: 'open', partitions: 8, plan: true }] });

const plan = z.object({
  action: z.enum(['close', 'open']),
  log: z.string(),
  epoch: z.number().int(),
  topic: z.string(),
  partitions: z.number().int(),
  closed: z.boolean(),
  opens: opened,
  done: z.boolean(),
  waitMs: z.number().int(),
  lost: z.object({ why: z.string(), windowMs: z.number().int() }).nullable(),
});

const report = z.object({
  epoch: z.number().int(),
  end: z.string(),
  events: z.number().int(),
  lastAppendAt: utc.nullable(),
  opened,
  tookMs: z.number(),
});

const turn = z.object({
  id: z.string(),
  action: z.enum(['close', 'open']),
  state: z.enum(['running', 'done', 'failed']),
  phase: z.enum(['read', 'drain', 'archive', 'seal', 'open']).nullable(),
  report: report.nullable(),
  fault,
  link: z.string(),
});

const aTurn = {
  ...{ id: '0199d2a4-7f10-7a41-8a51-2b7a5f0d9c55', action: 'open', state: 'running', phase: 'drain' },
  ...{ report: null, fault: null },
  link: '/v1/epochs/operations/0199d2a4-7f10-7a41-8a51-2b7a5f0d9c55',
};

export const turnAnswer = ok(
  turn.extend({ cut: cutText }).meta({ examples: [{ ...aTurn, cut: '1:42.17.5.9' }] }),
);

export const startAnswers = {
  200: answer(
    'The plan: nothing was changed',
    z.object({ plan, cut: cutText }).meta({
      examples: [
        {
          plan: {
            ...{ action: 'open', log: '0199d2a4-6d0c-7f54-9c35-5d2f3f1f7c11', epoch: 1, topic: 'annal.e1' },
            ...{ partitions: 4, closed: false, done: false, waitMs: 35_000, lost: null },
            opens: { epoch: 2, topic: 'annal.e2', partitions: 8 },
          },
          cut: '1:42.17.5.9',
        },
      ],
    }),
  ),
  202: answer(
    'Started; `Location` is where it is read',
    z
      .object({ operation: turn, cut: cutText })
      .meta({ examples: [{ operation: aTurn, cut: '1:42.17.5.9' }] }),
  ),
  ...refusals,
};
