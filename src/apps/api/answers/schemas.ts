import { z } from 'zod';
import { answer, cutText, millis, ok, refusals } from './shape.ts';

const name = 'shop.orders-value';
const schemaText =
  '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"}]}';

const id = z
  .union([z.number().int(), z.string()])
  .meta({ description: 'how records name it: a number in Confluent’s framing, a GUID in Azure’s' });

const deprecated = z
  .object({ at: millis, by: z.string(), reason: z.string() })
  .nullable()
  .meta({ description: 'that it should not be used any more, and why; it stays readable' });

const version = z.object({
  name: z.string(),
  version: z.number().int(),
  id,
  type: z.literal('AVRO'),
  schema: z.string().meta({ description: 'the text as it was registered' }),
  deprecated,
});

const aVersion = {
  ...{ name, version: 1, id: 2, type: 'AVRO', schema: schemaText, deprecated: null },
} as const;

export const schemasAnswer = ok(
  z
    .object({
      items: z.array(
        z.object({
          name: z.string(),
          namespace: z
            .string()
            .nullable()
            .meta({ description: 'what stands before the first dot; null: of none' }),
          versions: z.array(z.number().int()),
          latest: z.object({ version: z.number().int(), id, deprecated }).nullable(),
        }),
      ),
      registry: z.object({ kind: z.enum(['confluent', 'azure']), place: z.string() }),
      next: z.string().optional().meta({ description: '`after` of the next page; absent on the last one' }),
      cut: cutText,
    })
    .meta({
      examples: [
        {
          items: [
            { name, namespace: 'shop', versions: [1], latest: { version: 1, id: 2, deprecated: null } },
          ],
          registry: { kind: 'confluent', place: './.annal/registry' },
          cut: '1:42.17.5.9',
        },
      ],
    }),
);

export const versionsAnswer = ok(
  z
    .object({ name: z.string(), versions: z.array(z.number().int()), latest: version, cut: cutText })
    .meta({ examples: [{ name, versions: [1], latest: aVersion, cut: '1:42.17.5.9' }] }),
);

export const versionAnswer = ok(
  version.extend({ cut: cutText }).meta({ examples: [{ ...aVersion, cut: '1:42.17.5.9' }] }),
);

export const placesAnswer = ok(
  z
    .object({ items: z.array(version), cut: cutText })
    .meta({ examples: [{ items: [aVersion], cut: '1:42.17.5.9' }] }),
);

export const schemaRequest = z
  .strictObject({
    schema: z.union([z.string().min(1), z.looseObject({})]).meta({
      description: 'an Avro schema, as its text or as JSON; numbers in it stay as sent in a text only',
    }),
  })
  .meta({ examples: [{ schema: schemaText }] });

export const checkAnswer = ok(
  z
    .object({
      name: z.string(),
      compatible: z.boolean(),
      versions: z.array(z.number().int()).meta({ description: 'it was compared with' }),
      same: z.number().int().nullable().meta({ description: 'the version that is this schema' }),
      breaking: z.array(
        z.object({
          version: z.number().int().meta({ description: 'whose records could not be read' }),
          at: z.string().meta({ description: 'the field: /customer/address' }),
          what: z.string(),
        }),
      ),
      cut: cutText,
    })
    .meta({
      examples: [
        {
          ...{ name, compatible: false, versions: [1], same: null, cut: '1:42.17.5.9' },
          breaking: [{ version: 1, at: '/total', what: 'added without a default' }],
        },
      ],
    }),
);

const made = version
  .extend({ new: z.boolean(), cut: cutText })
  .meta({ examples: [{ ...aVersion, new: true, cut: '1:42.17.5.9' }] });

export const registerAnswers = {
  200: answer('It was there: nothing was changed', made),
  201: answer('Registered', made),
  ...refusals,
};

export const deprecateRequest = z
  .strictObject({
    version: z.number().int().min(1).optional().meta({ description: 'all of them, where none is named' }),
    reason: z
      .string()
      .min(1)
      .max(512)
      .nullable()
      .meta({ description: 'for who comes upon it; null takes the mark away' }),
  })
  .meta({ examples: [{ version: 1, reason: 'use shop.orders-v2-value' }] });
