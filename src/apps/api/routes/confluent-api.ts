import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Fault, isFault } from '../../../domain/fault.ts';
import { allowsSubject, isSubject } from '../../../domain/subject.ts';
import { breakingIn } from '../../../formats/avro-compat.ts';
import type { Annal } from '../../annal.ts';
import type { Schemas, ToldSchema } from '../../schemas.ts';
import { type Problem, problemOfError, statusOf } from '../problem.ts';
import { type Api, callerOf } from '../request.ts';
import { changed, idText, notThere, schemaBodyBytesMax, seeing, seen, versionText } from './schemas.ts';

// A part of the REST API of Confluent's schema registry (docs.confluent.io, "Schema Registry API Reference"): what serialisers
// ask for. Only Annal's own registry is served so; where another one is configured, clients go there.

const mediaType = 'application/vnd.schemaregistry.v1+json';
const requestTypes = [mediaType, 'application/vnd.schemaregistry+json', 'application/octet-stream'];

const subject = z.string().refine(isSubject, 'is no name of a schema');
const ofSubject = z.object({ subject });
const ofVersion = z.object({ subject, version: versionText });
const body = z.looseObject({
  schema: z.string().min(1),
  schemaType: z.string().nullish(),
  references: z.array(z.unknown()).nullish(),
});
const query = z.looseObject({});

const read = { ...seeing, basic: true } as const;
const publish = { needs: 'publish', basic: true } as const;

const send = (reply: FastifyReply, answer: unknown): FastifyReply =>
  reply.header('content-type', mediaType).send(JSON.stringify(answer));

/** The schema of a request. Throws `SCHEMA_INCOMPATIBLE` for what is not Avro, or refers to others. */
function avroOf(name: string, { schema, schemaType, references }: z.output<typeof body>): string {
  if ((schemaType ?? 'AVRO') !== 'AVRO' || (references ?? []).length > 0)
    throw new Fault('SCHEMA_INCOMPATIBLE', { subject: name, reason: 'only Avro without references is kept' });
  return schema;
}

/** Who speaks this API: registered as a scope of its own, for its media types and errors. */
export async function confluentRoutes(scope: Api, { schemas }: Annal): Promise<void> {
  for (const type of requestTypes)
    scope.addContentTypeParser(
      type,
      { parseAs: 'string', bodyLimit: schemaBodyBytesMax },
      scope.getDefaultJsonParser('error', 'error'),
    );
  scope.setErrorHandler((error: Error, request, reply) => sendError(error, request, reply));
  scope.addHook('preHandler', async () => {
    if (!schemas.embedded) throw new Fault('SCHEMA_NOT_FOUND', { registry: schemas.place });
  });
  subjectRoutes(scope, schemas);
  idRoutes(scope, schemas);
  registerRoutes(scope, schemas);
  compatibilityRoutes(scope, schemas);
}

async function found(schemas: Schemas, name: string, version: number | 'latest'): Promise<ToldSchema> {
  const one = await schemas.find(name, version);
  if (one !== undefined) return one;
  throw (await schemas.versions(name)).length === 0 ? notThere(name) : notThere(name, version);
}

const factsOf = ({ subject: name, version, ref: { id }, schemaText }: ToldSchema) => ({
  ...{ subject: name, version, id, schemaType: 'AVRO', schema: schemaText },
});

function subjectRoutes(scope: Api, schemas: Schemas): void {
  const schema = { hide: true, querystring: query };
  scope.get('/subjects', { config: read, schema }, async (request, reply) => {
    const caller = callerOf(request);
    const all = await schemas.subjects();
    return send(
      reply,
      all.filter((name) => allowsSubject(caller, 'read', name, schemas.own)),
    );
  });
  scope.get(
    '/subjects/:subject/versions',
    { config: read, schema: { ...schema, params: ofSubject } },
    async (request, reply) => {
      const name = seen(request, schemas, request.params.subject);
      const versions = await schemas.versions(name);
      if (versions.length === 0) throw notThere(name);
      return send(reply, versions);
    },
  );
  for (const part of ['', '/schema'] as const)
    scope.get(
      `/subjects/:subject/versions/:version${part}`,
      { config: read, schema: { ...schema, params: ofVersion } },
      async (request, reply) => {
        const name = seen(request, schemas, request.params.subject);
        const one = await found(schemas, name, request.params.version);
        return part === ''
          ? send(reply, factsOf(one))
          : reply.header('content-type', mediaType).send(one.schemaText);
      },
    );
}

function idRoutes(scope: Api, schemas: Schemas): void {
  const schema = { hide: true, querystring: query, params: z.object({ id: idText }) };
  const visible = async (request: FastifyRequest, id: string | number): Promise<readonly ToldSchema[]> => {
    const caller = callerOf(request);
    const all = await schemas.byId(id);
    const items = all.filter((one) => allowsSubject(caller, 'read', one.subject, schemas.own));
    if (items.length === 0) throw new Fault('SCHEMA_NOT_FOUND', { id });
    return items;
  };
  scope.get(
    '/schemas/types',
    { config: read, schema: { hide: true, querystring: query } },
    async (_request, reply) => send(reply, ['AVRO']),
  );
  scope.get('/schemas/ids/:id', { config: read, schema }, async (request, reply) => {
    const [one] = await visible(request, request.params.id);
    return send(reply, { schema: one!.schemaText, schemaType: 'AVRO' });
  });
  scope.get('/schemas/ids/:id/schema', { config: read, schema }, async (request, reply) => {
    const [one] = await visible(request, request.params.id);
    return reply.header('content-type', mediaType).send(one!.schemaText);
  });
  scope.get('/schemas/ids/:id/subjects', { config: read, schema }, async (request, reply) =>
    send(reply, [...new Set((await visible(request, request.params.id)).map((one) => one.subject))]),
  );
  scope.get('/schemas/ids/:id/versions', { config: read, schema }, async (request, reply) => {
    const all = await visible(request, request.params.id);
    return send(
      reply,
      all.map((one) => ({ subject: one.subject, version: one.version })),
    );
  });
}

function registerRoutes(scope: Api, schemas: Schemas): void {
  const schema = { hide: true, querystring: query, params: ofSubject, body };
  const options = { schema, bodyLimit: schemaBodyBytesMax };
  scope.post('/subjects/:subject', { ...options, config: read }, async (request, reply) => {
    const name = seen(request, schemas, request.params.subject);
    const one = await schemas.same(name, avroOf(name, request.body));
    if (one !== undefined) return send(reply, factsOf(one));
    const { length } = await schemas.versions(name);
    throw length === 0
      ? notThere(name)
      : new Fault('SCHEMA_NOT_FOUND', { subject: name, reason: 'this schema' });
  });
  scope.post('/subjects/:subject/versions', { ...options, config: publish }, async (request, reply) => {
    const name = request.params.subject;
    const text = avroOf(name, request.body);
    // Serialisers register what they find: a schema that is there changes nothing.
    const caller = callerOf(request);
    const there = allowsSubject(caller, 'read', name, schemas.own)
      ? await schemas.same(name, text)
      : undefined;
    if (there !== undefined) return send(reply, factsOf(there));
    return send(reply, factsOf((await schemas.register(changed(request, schemas, name), text)).schema));
  });
}

function compatibilityRoutes(scope: Api, schemas: Schemas): void {
  const schema = { hide: true, querystring: query };
  // The word that clients compare with theirs. Older versions than the newest count as well here.
  for (const path of ['/config', '/config/:subject'])
    scope.get(path, { config: read, schema }, async (_request, reply) =>
      send(reply, { compatibilityLevel: 'BACKWARD' }),
    );
  const options = { config: read, bodyLimit: schemaBodyBytesMax };
  const judged = async (
    request: FastifyRequest,
    given: z.output<typeof body>,
    name: string,
    version: number | 'latest',
  ) => {
    const text = avroOf(name, given);
    const one = await found(schemas, seen(request, schemas, name), version);
    const breaking =
      version === 'latest' ? (await schemas.check(name, text)).breaking : breakingIn(name, text, [one]);
    return {
      is_compatible: breaking.length === 0,
      messages: breaking.map(({ version: of, at, what }) => `version ${of}: ${at}: ${what}`),
    };
  };
  scope.post(
    '/compatibility/subjects/:subject/versions/:version',
    { ...options, schema: { ...schema, params: ofVersion, body } },
    async (request, reply) =>
      send(reply, await judged(request, request.body, request.params.subject, request.params.version)),
  );
  scope.post(
    '/compatibility/subjects/:subject/versions',
    { ...options, schema: { ...schema, params: ofSubject, body } },
    async (request, reply) =>
      send(reply, await judged(request, request.body, request.params.subject, 'latest')),
  );
}

/** Status and `error_code` as that API has them. */
function errorOf({ code, facts = {} }: Problem): readonly [status: number, errorCode: number] {
  if (code === 'SCHEMA_INCOMPATIBLE') return facts.breaking === undefined ? [422, 42201] : [409, 409];
  if (code === 'SCHEMA_NOT_FOUND')
    return [
      404,
      facts.version !== undefined
        ? 40402
        : facts.subject === undefined || facts.reason !== undefined
          ? 40403
          : 40401,
    ];
  const status = statusOf(code);
  return [status, status === 500 ? 50001 : status * 100 + 1];
}

function sendError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOfError(error);
  if (problem === undefined || problem.code === 'INTERNAL')
    request.log.error({ err: error }, 'request failed');
  const [status, errorCode] = problem === undefined ? [500, 50001] : errorOf(problem);
  const message =
    problem === undefined || problem.code === 'INTERNAL'
      ? 'the request could not be answered'
      : `${problem.code}: ${problem.detail}`;
  if (isFault(error, 'UNAUTHENTICATED')) reply.header('www-authenticate', 'Bearer realm="annal"');
  return send(reply.code(status), { error_code: errorCode, message });
}
