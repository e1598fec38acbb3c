import { z } from 'zod';

// What answers look like, for /openapi.json. Answers are put together from stored text, so nothing here writes them;
// a test holds real answers to these shapes.

export const orders = 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.orders,PROD)';

export const cutText = z
  .string()
  .nullable()
  .meta({ description: 'all before it shows in this answer', examples: ['1:42.17.5.9'] });

export const position = z.string().meta({ description: '<epoch>-<partition>-<offset>' });

export const utc = z.string().meta({ format: 'date-time' });

export const millis = z.number().int().meta({ description: 'UTC milliseconds' });

export const fault = z.looseObject({ code: z.string(), detail: z.string() }).nullable();

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    pointer: z.string().optional(),
    doThis: z.string(),
    cut: cutText,
    instance: z.string(),
  })
  .meta({
    examples: [
      {
        type: '/errors#EVENT_SHAPE',
        title: 'the event lacks a member, or one has the wrong form',
        status: 400,
        detail: 'change has to be UPSERT, PATCH or DELETE',
        code: 'EVENT_SHAPE',
        pointer: '/change',
        doThis: 'Correct the member at the pointer shown.',
        cut: '1:42.17.5.9',
        instance: 'urn:uuid:0199d2a4-6d0c-7f54-9c35-5d2f3f1f7c11',
      },
    ],
    id: 'Problem',
  });

export const refusals = {
  default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
} as const;

export const answer = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** The answers of an operation: what was asked for, or a problem. */
export const ok = <T extends z.ZodType>(schema: T) => ({
  200: answer('What was asked for', schema),
  ...refusals,
});

export const paging = {
  total: z.number().int().meta({ description: 'exact number of all that match' }),
  next: z.string().optional().meta({ description: 'cursor of the next page; absent on the last one' }),
  cut: cutText,
};
