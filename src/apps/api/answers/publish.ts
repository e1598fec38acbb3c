import { z } from 'zod';
import { answer, cutText, orders, position, refusals } from './shape.ts';

const toPublish = z.looseObject({
  urn: z.string(),
  aspect: z.string().nullable().optional().meta({ description: 'null with DELETE: the whole entity' }),
  change: z.enum(['UPSERT', 'PATCH', 'DELETE']).optional(),
  value: z.unknown().optional(),
  id: z.string().optional().meta({ format: 'uuid', description: 'the same id again has no second effect' }),
  occurredAt: z
    .union([z.number().int(), z.string()])
    .optional()
    .meta({ description: 'clock of the sender: UTC milliseconds, or ISO with a zone' }),
  actor: z.string().optional().meta({ description: 'URN of who made the change' }),
  expect: z
    .string()
    .optional()
    .meta({ description: 'position of the change this one is based on, or `absent`: else it has no effect' }),
  group: z.string().optional().meta({ format: 'uuid', description: 'shared by the changes of one save' }),
  source: z
    .object({
      plugin: z.string().optional(),
      version: z.string().optional(),
      runId: z.string().optional(),
      foreign: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  correlationId: z.string().optional(),
  causationId: z.string().optional(),
});

const aChange = {
  urn: orders,
  aspect: 'datasetProperties',
  change: 'UPSERT',
  value: { name: 'orders', description: 'One row per order line' },
};

/** For the description alone: intake judges the bytes. */
export const publishBody = z
  .union([toPublish, z.array(toPublish).max(1_000)])
  .meta({ examples: [aChange, [aChange]] });

const appended = z.object({
  urn: z.string(),
  aspect: z.string().nullable(),
  id: z.string(),
  position,
  repeated: z.literal(true).optional().meta({ description: 'it was in the log before' }),
  outcome: z.string().meta({ description: 'where its outcome is read' }),
});

const refused = z.object({
  status: z.literal('refused'),
  code: z.string(),
  pointer: z.string(),
  detail: z.string(),
  urn: z.string().optional(),
  id: z.string().optional(),
});

const unknown = z.object({
  status: z.literal('unknown'),
  code: z.literal('APPEND_UNKNOWN'),
  urn: z.string(),
  id: z.string(),
  detail: z.string(),
});

const anAppended = {
  urn: orders,
  aspect: 'datasetProperties',
  id: '0199d2a4-6d0c-7f54-9c35-5d2f3f1f7c11',
  position: '1-0-41',
  outcome: '/v1/events/1-0-41',
};

export const publishAnswers = {
  200: answer(
    'One result per event of the array',
    z
      .object({
        results: z.array(z.union([appended.extend({ status: z.literal('appended') }), refused, unknown])),
        appended: z.number().int(),
        refused: z.number().int(),
        unknown: z.number().int(),
        cut: cutText,
      })
      .meta({
        examples: [
          {
            results: [{ status: 'appended', ...anAppended }],
            appended: 1,
            refused: 0,
            unknown: 0,
            cut: '1:41.17.5.9',
          },
        ],
      }),
  ),
  201: answer(
    'The event is in the log',
    appended.extend({ cut: cutText }).meta({ examples: [{ ...anAppended, cut: '1:41.17.5.9' }] }),
  ),
  ...refusals,
};
