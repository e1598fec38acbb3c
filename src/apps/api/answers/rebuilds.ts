import { z } from 'zod';
import { anOperation, listedOperation } from './operations.ts';
import { answer, cutText, millis, ok, refusals } from './shape.ts';

const aCut = '1:42.17.5.9';

export const rebuildsAnswer = ok(
  z
    .object({ items: z.array(listedOperation), cut: cutText })
    .meta({ examples: [{ items: [anOperation], cut: aCut }] }),
);

export const cancelAnswer = ok(
  z
    .object({ id: z.string(), cancelled: z.literal(true), cut: cutText })
    .meta({ examples: [{ id: anOperation.id, cancelled: true, cut: aCut }] }),
);

/** Events of the stream: `progress` while it runs, then one of `done` and `failed`. Data: the operation as `GET` tells it. */
export const followAnswer = {
  200: {
    description:
      'Server-sent events: `progress` about twice a second, then `done` or `failed`; then the stream ends',
    content: {
      'text/event-stream': {
        schema: z.string().meta({
          examples: [`event: progress\ndata: ${JSON.stringify({ ...anOperation, cut: aCut })}\n\n`],
        }),
      },
    },
  },
  ...refusals,
};

const aReport = {
  ...{ id: anOperation.id, kind: 'rebuild', projection: 'entities', version: 1, cut: aCut },
  root: '4f961a0edacd8f3bb088ea955e8581f468c9408f2030b0d08383a70e3987d23a',
};

export const reportAnswer = ok(
  z
    .object({
      report: z.looseObject({ id: z.string(), projection: z.string(), cut: z.string(), root: z.string() }),
      note: z
        .string()
        .meta({ description: 'a C2SP signed note over the report; its text alone where no key is' }),
      signedBy: z
        .array(z.string())
        .meta({ description: 'names of keys, as the note says: check it by their vkey' }),
      markdown: z.string(),
      cut: cutText,
    })
    .meta({
      examples: [
        {
          report: aReport,
          note: `annal rebuild report v1\n${JSON.stringify(aReport)}\n\n— annal/log 1bOp3Q==\n`,
          signedBy: ['annal/log'],
          markdown: '# Rebuild of entities\n',
          cut: aCut,
        },
      ],
    }),
);

const lane = z.object({
  epoch: z.number().int(),
  partition: z.number().int(),
  next: z.number().int(),
  timeMax: millis,
});

export const rollbackAnswer = {
  200: answer(
    'It serves now, and is followed from where it stands',
    z
      .object({
        projection: z.string(),
        index: z.string(),
        version: z.number().int(),
        stands: z.string().nullable().meta({ description: 'the cut at which it serves from now on' }),
        lanes: z.array(lane),
        replaced: z.string().meta({ description: 'kept: the same again goes back to it' }),
        tookMs: z.number(),
        cut: cutText,
      })
      .meta({
        examples: [
          {
            ...{ projection: 'entities', index: 'entities-v1-a1b2c3', version: 1, stands: '1:40' },
            lanes: [{ epoch: 1, partition: 0, next: 40, timeMax: 1_772_357_400_000 }],
            ...{ replaced: 'entities-v1-d4e5f6', tookMs: 12, cut: aCut },
          },
        ],
      }),
  ),
  ...refusals,
};

export const retireAnswer = ok(
  z
    .object({ projection: z.string(), retired: z.string(), cut: cutText })
    .meta({ examples: [{ projection: 'entities', retired: 'entities-v1-a1b2c3', cut: aCut }] }),
);
