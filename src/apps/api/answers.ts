import { z } from 'zod';
import { outcomes } from '../../domain/outcome.ts';

// What answers look like, for /openapi.json. Answers are put together from stored text, so nothing here writes them;
// a test holds real answers to these shapes.

const orders = 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.orders,PROD)';
const cutText = z
  .string()
  .nullable()
  .meta({ description: 'all before it shows in this answer', examples: ['1:42.17.5.9'] });
const position = z.string().meta({ description: '<epoch>-<partition>-<offset>' });
const utc = z.string().meta({ format: 'date-time' });
const millis = z.number().int().meta({ description: 'UTC milliseconds' });
const fault = z.looseObject({ code: z.string(), detail: z.string() }).nullable();

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

const refusals = {
  default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
} as const;

const answer = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** The answers of an operation: what was asked for, or a problem. */
export const ok = <T extends z.ZodType>(schema: T) => ({
  200: answer('What was asked for', schema),
  ...refusals,
});

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

const paging = {
  total: z.number().int().meta({ description: 'exact number of all that match' }),
  next: z.string().optional().meta({ description: 'cursor of the next page; absent on the last one' }),
  cut: cutText,
};

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

const toPublish = z.looseObject({
  urn: z.string(),
  aspect: z.string().nullable().optional().meta({ description: 'null with DELETE: the whole entity' }),
  change: z.enum(['UPSERT', 'PATCH', 'DELETE']).optional(),
  value: z.unknown().optional(),
  id: z.string().optional(),
  actor: z.string().optional(),
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

const lane = z.object({
  epoch: z.number().int(),
  partition: z.number().int(),
  next: z.number().int(),
  timeMax: millis,
});

export const projectionsAnswer = z
  .object({
    items: z.array(
      z.object({
        projection: z.string(),
        about: z.string(),
        version: z.number().int(),
        state: z.enum(['starting', 'following', 'paused', 'halted']),
        index: z.string().nullable(),
        documents: z.number().int().nullable().meta({ description: 'null for who may not read all' }),
        bytes: z.number().int().nullable(),
        cut: z.string().nullable(),
        lanes: z.array(lane),
        lag: z.number().int().meta({ description: 'log end minus progress, in offsets' }),
        fault,
      }),
    ),
    epochs: z.number().int(),
    cut: cutText,
  })
  .meta({
    examples: [
      {
        items: [
          {
            projection: 'entities',
            about: 'what is known now: one document per entity',
            version: 1,
            state: 'following',
            index: 'entities-v1-a1b2c3',
            documents: 400,
            bytes: 1_048_576,
            cut: '1:42',
            lanes: [{ epoch: 1, partition: 0, next: 42, timeMax: 1_772_357_400_000 }],
            lag: 0,
            fault: null,
          },
        ],
        epochs: 1,
        cut: '1:42',
      },
    ],
  });

export const archiveAnswer = z
  .object({
    items: z.array(
      z.object({
        partition: z.number().int(),
        lag: z.number().int(),
        archived: z.number().int(),
        logEnd: z.number().int(),
        fault,
      }),
    ),
    cut: cutText,
  })
  .meta({
    examples: [{ items: [{ partition: 0, lag: 0, archived: 42, logEnd: 42, fault: null }], cut: '1:42' }],
  });

export const errorsAnswer = z
  .object({
    items: z.array(
      z.object({
        code: z.string(),
        status: z.number().int(),
        remedy: z.enum(['refuse', 'quarantine', 'retry', 'halt']),
        about: z.string(),
        doThis: z.string(),
      }),
    ),
    cut: z.null(),
  })
  .meta({
    examples: [
      {
        items: [
          {
            code: 'BODY_TOO_LARGE',
            status: 413,
            remedy: 'refuse',
            about: 'the request body is larger than 8 MiB',
            doThis: 'Split the request: up to 1,000 events and 8 MiB each.',
          },
        ],
        cut: null,
      },
    ],
  });

const health = z.object({
  ready: z.boolean(),
  reasons: z.array(z.object({ code: z.string(), detail: z.string() })),
  cut: z.null(),
});

export const liveAnswer = {
  200: answer(
    'It answers',
    z.object({ live: z.literal(true), cut: z.null() }).meta({ examples: [{ live: true, cut: null }] }),
  ),
};

export const readyAnswers = {
  200: answer('Ready', health.meta({ examples: [{ ready: true, reasons: [], cut: null }] })),
  503: answer(
    'Something is missing, and what',
    health.meta({
      examples: [
        {
          ready: false,
          reasons: [{ code: 'LOG_UNAVAILABLE', detail: 'the log cannot be reached' }],
          cut: null,
        },
      ],
    }),
  ),
};

export const metricsAnswer = {
  200: {
    description: 'Text form of Prometheus',
    content: {
      'text/plain': { schema: z.string().meta({ examples: ['annal_events_total{result="appended"} 42'] }) },
    },
  },
  ...refusals,
};
