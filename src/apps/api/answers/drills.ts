import { z } from 'zod';
import { cutText, millis, ok } from './shape.ts';

const aDrill = {
  ...{ id: '0199d2a4-6d0c-7f54-9c35-5d2f3f1f7c11', kind: 'drill', result: 'proven' },
  ...{ startedAt: 1_772_357_400_000, endedAt: 1_772_357_412_000, tookMs: 9_800 },
  models: [],
} as const;

const drill = z.looseObject({
  id: z.string(),
  kind: z.enum(['recovery', 'drill']),
  result: z.enum(['proven', 'differs', 'failed']),
  startedAt: millis,
  endedAt: millis,
  tookMs: z.number().meta({ description: 'of bringing it back alone, ms' }),
  models: z.array(z.looseObject({ projection: z.string(), cut: z.string(), root: z.string() })),
});

const aNote = `annal drill report v1\n${JSON.stringify(aDrill)}\n\n— annal/log 1bOp3Q==\n`;

export const drillsAnswer = ok(
  z
    .object({ items: z.array(drill.extend({ signedBy: z.array(z.string()) })), cut: cutText })
    .meta({ examples: [{ items: [{ ...aDrill, signedBy: ['annal/log'] }], cut: '1:42.17.5.9' }] }),
);

export const drillAnswer = ok(
  z
    .object({
      report: drill,
      note: z
        .string()
        .meta({ description: 'a C2SP signed note over the report; its text alone where no key is' }),
      signedBy: z.array(z.string()),
      markdown: z.string(),
      cut: cutText,
    })
    .meta({
      examples: [
        {
          ...{ report: aDrill, note: aNote, signedBy: ['annal/log'], markdown: '# Drill\n' },
          cut: '1:42.17.5.9',
        },
      ],
    }),
);

export const drillRequest = z.strictObject({ note: z.string().min(1).max(200_000) }).meta({
  examples: [{ note: aNote }],
});

export const keptAnswer = ok(
  z.object({ id: z.string(), cut: cutText }).meta({ examples: [{ id: aDrill.id, cut: '1:42.17.5.9' }] }),
);
