import { z } from 'zod';
import { answer, cutText, fault, millis, refusals } from './shape.ts';

const lane = z.object({
  epoch: z.number().int(),
  partition: z.number().int(),
  next: z.number().int(),
  timeMax: millis,
});

const keptIndex = z.object({
  index: z.string(),
  version: z.number().int(),
  cut: z.string().nullable(),
  documents: z.number().int().nullable(),
  bytes: z.number().int().nullable(),
  since: millis.meta({ description: 'since when it does not serve, UTC milliseconds' }),
});

const drift = z.object({
  index: z.string(),
  cut: z.string(),
  startedAt: millis,
  endedAt: millis,
  documents: z.number().int().nullable(),
  drifted: z.number().int().meta({ description: 'documents that differ, or that no search finds' }),
  first: z.array(z.object({ id: z.string(), what: z.string() })).nullable(),
});

export const projectionsAnswer = z
  .object({
    items: z.array(
      z.object({
        projection: z.string(),
        about: z.string(),
        version: z.number().int().meta({ description: 'of the index that serves' }),
        programVersion: z.number().int().meta({ description: 'that a rebuild makes' }),
        state: z.enum(['starting', 'following', 'paused', 'halted']),
        index: z.string().nullable(),
        documents: z.number().int().nullable().meta({ description: 'null for who may not read all' }),
        unindexable: z
          .number()
          .int()
          .nullable()
          .meta({ description: 'documents that no search finds though it should' }),
        bytes: z.number().int().nullable(),
        cut: z.string().nullable(),
        lanes: z.array(lane),
        lag: z.number().int().meta({ description: 'log end minus progress, in offsets' }),
        drift: drift.nullable().meta({ description: 'what the last comparison with the archive found' }),
        kept: keptIndex
          .extend({ lag: z.number().int(), fault })
          .nullable()
          .meta({ description: 'the index that served before, which follows the log: the way back' }),
        beside: z.array(keptIndex).meta({ description: 'indexes at a past cut' }),
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
            programVersion: 1,
            state: 'following',
            index: 'entities-v1-a1b2c3',
            documents: 400,
            unindexable: 0,
            bytes: 1_048_576,
            cut: '1:42',
            lanes: [{ epoch: 1, partition: 0, next: 42, timeMax: 1_772_357_400_000 }],
            lag: 0,
            drift: {
              ...{ index: 'entities-v1-a1b2c3', cut: '1:40', startedAt: 1_772_357_100_000 },
              ...{ endedAt: 1_772_357_400_000, documents: 398, drifted: 0, first: [] },
            },
            kept: {
              ...{ index: 'entities-v1-d4e5f6', version: 1, cut: '1:40', documents: 398, bytes: 1_040_384 },
              ...{ since: 1_772_357_400_000, lag: 0, fault: null },
            },
            beside: [],
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
        logFirst: z.number().int(),
        ageMs: z.number().int().meta({ description: 'of the oldest record that is not archived' }),
        lastSegment: z.number().int().nullable().meta({ description: 'its first offset' }),
        tree: z.object({ size: z.number().int(), next: z.number().int() }).nullable(),
        checkpoint: z
          .object({ size: z.number().int(), at: millis, signedBy: z.array(z.string()) })
          .nullable(),
        fault,
      }),
    ),
    missing: z
      .array(
        z.object({
          kind: z.enum(['hole', 'gap']),
          epoch: z.number().int(),
          partition: z.number().int(),
          first: z.number().int(),
          next: z.number().int(),
        }),
      )
      .meta({ description: 'offsets that the archive says it has not, of all epochs' }),
    cut: cutText,
  })
  .meta({
    examples: [
      {
        items: [
          {
            ...{ partition: 0, lag: 0, archived: 42, logEnd: 42, logFirst: 0, ageMs: 0, lastSegment: 0 },
            tree: { size: 42, next: 42 },
            checkpoint: { size: 42, at: 1_772_357_400_000, signedBy: ['audit.example/annal'] },
            fault: null,
          },
        ],
        missing: [],
        cut: '1:42',
      },
    ],
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

const reasons = z.array(z.object({ code: z.string(), detail: z.string() }));

const health = z.object({
  ready: z.boolean(),
  reasons,
  degraded: reasons.optional().meta({ description: 'what somebody has to know though all goes on' }),
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
