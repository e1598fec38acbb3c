import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { Api } from './request.ts';

/** Collects the description of every route registered after it, for /openapi.json (OpenAPI 3.1). */
export function describe(app: Api, version: string): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Annal',
        version,
        description: 'An event log for metadata: publish changes, search what is known, read the past.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'events', description: 'What happened, in the order of the log' },
        { name: 'entities', description: 'What is known, now and then' },
        { name: 'schemas', description: 'What producers write by' },
        { name: 'operations', description: 'Rebuilding, verifying, how far things are' },
        { name: 'about', description: 'The server itself' },
      ],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }, {}],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  let text: string | undefined;
  const config = { needs: 'open' } as const;
  app.get('/openapi.json', { config, schema: { hide: true } }, async (_request, reply) => {
    text ??= JSON.stringify(withExamples(used(app.swagger())));
    return reply.header('content-type', 'application/json; charset=utf-8').send(text);
  });
}

/** Shapes are named for answers alone: the twins for requests, which nothing refers to, are left out. */
function used(described: unknown): unknown {
  if (!isPlain(described) || !isPlain(described.components)) return described;
  const { components } = described;
  const schemas = Object.entries(isPlain(components.schemas) ? components.schemas : {});
  const kept = Object.fromEntries(schemas.filter(([name]) => !name.endsWith('Input')));
  return { ...described, components: { ...components, schemas: kept } };
}

/** Examples of an answer belong beside its schema, where tools that show an operation look for them. */
function withExamples(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withExamples);
  if (!isPlain(value)) return value;
  const copy = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withExamples(member)]),
  );
  if (!isPlain(copy.content)) return copy;
  for (const media of Object.values(copy.content)) {
    const [example] =
      isPlain(media) && isPlain(media.schema) ? ((media.schema.examples ?? []) as unknown[]) : [];
    if (isPlain(media) && example !== undefined) media.example = example;
  }
  return copy;
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
