import { z } from 'zod';
import { Fault } from '../../../domain/fault.ts';
import { allowsSubject, isSubject, namespaceOfSubject, subjectCharsMax } from '../../../domain/subject.ts';
import type { SchemaId } from '../../../ports/schema-registry.ts';
import type { Annal } from '../../annal.ts';
import type { Schemas, ToldSchema } from '../../schemas.ts';
import { sendFacts } from '../answer.ts';
import {
  checkAnswer,
  deprecateRequest,
  placesAnswer,
  registerAnswers,
  schemaRequest,
  schemasAnswer,
  versionAnswer,
  versionsAnswer,
} from '../answers/schemas.ts';
import { limit } from '../parameters.ts';
import { type Api, callerOf } from '../request.ts';

const path = '/v1/schemas';
const tags = ['schemas'];
/** A schema of 1 MiB, and what JSON needs to quote it. */
export const schemaBodyBytesMax = 2 * 1024 * 1024;

const subjectText = z.string().refine(isSubject, `has to be 1 to ${subjectCharsMax} printable characters`);
const name = subjectText.meta({ description: 'percent-encoded', examples: ['shop.orders-value'] });
export const versionText = z
  .string()
  .regex(/^(?:latest|-1|[1-9][0-9]{0,8})$/, 'has to be a number from 1 on, or latest')
  .transform((text) => (text === 'latest' || text === '-1' ? 'latest' : Number(text)))
  .meta({ type: 'string', examples: ['latest'] });
export const idText = z
  .string()
  .regex(/^(?:[0-9]{1,10}|[0-9A-Fa-f-]{32,36})$/, 'has to be a number or a GUID')
  .transform((text): SchemaId => (/^[0-9]{1,10}$/.test(text) ? Number(text) : text.toLowerCase()))
  .meta({ type: 'string', examples: ['2'] });

/** `allowsSubject` decides about each name. */
export const seeing = { needs: 'read', orPublish: true } as const;

type Request = Parameters<typeof callerOf>[0];

/** Throws `SCHEMA_NOT_FOUND` where the caller may not see it: told apart from what is not there by nothing. */
export function seen(request: Request, { own }: Schemas, subject: string): string {
  if (!allowsSubject(callerOf(request), 'read', subject, own))
    throw new Fault('SCHEMA_NOT_FOUND', { subject });
  return subject;
}

/** Throws `NOT_ALLOWED`. */
export function changed(request: Request, { own }: Schemas, subject: string): string {
  const caller = callerOf(request);
  if (!allowsSubject(caller, 'publish', subject, own))
    throw new Fault('NOT_ALLOWED', { action: 'publish', subject, caller: caller.name });
  return subject;
}

export const notThere = (subject: string, version?: number | 'latest'): Fault =>
  new Fault('SCHEMA_NOT_FOUND', { subject, ...(version === undefined ? {} : { version }) });

const factsOf = ({ subject, version, ref, schemaText, deprecated }: ToldSchema) => ({
  ...{ name: subject, version, id: ref.id, type: 'AVRO', schema: schemaText, deprecated },
});

/** Schemas by which producers write: looked up, checked, registered, marked as deprecated. */
export function schemaRoutes(app: Api, annal: Annal): void {
  listRoute(app, annal);
  readRoutes(app, annal);
  writeRoutes(app, annal);
}

function listRoute(app: Api, { schemas }: Annal): void {
  const schema = {
    summary: 'List the schemas that the caller may see, by name',
    tags,
    querystring: z.strictObject({ limit: limit(1_000, 100), after: subjectText.optional() }),
    response: schemasAnswer,
  };
  app.get(path, { config: seeing, schema }, async (request, reply) => {
    const { limit: most, after = '' } = request.query;
    const caller = callerOf(request);
    const names = (await schemas.subjects()).filter(
      (subject) => subject > after && allowsSubject(caller, 'read', subject, schemas.own),
    );
    const items: object[] = [];
    for (const subject of names.slice(0, most)) {
      const latest = await schemas.find(subject, 'latest');
      items.push({
        name: subject,
        namespace: namespaceOfSubject(subject),
        versions: await schemas.versions(subject),
        latest: latest === undefined ? null : latestOf(latest),
      });
    }
    const next = names.length > most ? names[most - 1] : undefined;
    return sendFacts(reply, 200, { items, registry: { kind: schemas.kind, place: schemas.place }, next });
  });
}

const latestOf = ({ version, ref, deprecated }: ToldSchema) => ({ version, id: ref.id, deprecated });

function readRoutes(app: Api, { schemas }: Annal): void {
  const config = seeing;
  const one = { summary: 'Read a schema: its versions, and the newest', tags, response: versionsAnswer };
  app.get(
    `${path}/:name`,
    { config, schema: { ...one, params: z.strictObject({ name }) } },
    async (request, reply) => {
      const subject = seen(request, schemas, request.params.name);
      const latest = await schemas.find(subject, 'latest');
      if (latest === undefined) throw notThere(subject);
      const versions = await schemas.versions(subject);
      return sendFacts(reply, 200, { name: subject, versions, latest: factsOf(latest) });
    },
  );
  const params = z.strictObject({ name, version: versionText });
  const versioned = { summary: 'Read one version of a schema', tags, params, response: versionAnswer };
  app.get(`${path}/:name/versions/:version`, { config, schema: versioned }, async (request, reply) => {
    const { version } = request.params;
    const subject = seen(request, schemas, request.params.name);
    const found = await schemas.find(subject, version);
    if (found === undefined) throw notThere(subject, version);
    return sendFacts(reply, 200, factsOf(found));
  });
  const byId = { summary: 'Read the schema that a record names by its id', tags, response: placesAnswer };
  app.get(
    `${path}/ids/:id`,
    { config, schema: { ...byId, params: z.strictObject({ id: idText }) } },
    async (request, reply) => {
      const { id } = request.params;
      const found = (await schemas.byId(id)).filter(({ subject }) =>
        allowsSubject(callerOf(request), 'read', subject, schemas.own),
      );
      if (found.length === 0) throw new Fault('SCHEMA_NOT_FOUND', { id });
      return sendFacts(reply, 200, { items: found.map(factsOf) });
    },
  );
}

function writeRoutes(app: Api, { schemas }: Annal): void {
  const common = { tags, params: z.strictObject({ name }), body: schemaRequest };
  const options = { bodyLimit: schemaBodyBytesMax } as const;
  const check = {
    summary: 'Check whether readers with a schema could read every version so far',
    ...common,
    response: checkAnswer,
  };
  app.post(`${path}/:name/check`, { ...options, config: seeing, schema: check }, async (request, reply) => {
    const subject = seen(request, schemas, request.params.name);
    const { breaking, versions, same } = await schemas.check(subject, textOf(request.body.schema));
    return sendFacts(reply, 200, {
      ...{ name: subject, compatible: breaking.length === 0, versions, same, breaking },
    });
  });
  const register = { summary: 'Register a schema', ...common, response: registerAnswers };
  app.post(
    `${path}/:name/versions`,
    { ...options, config: { needs: 'publish' }, schema: register },
    async (request, reply) => {
      const subject = changed(request, schemas, request.params.name);
      const { schema, isNew } = await schemas.register(subject, textOf(request.body.schema));
      return sendFacts(reply, isNew ? 201 : 200, { ...factsOf(schema), new: isNew });
    },
  );
  const deprecate = {
    summary: 'Say that a schema should not be used any more',
    tags,
    params: z.strictObject({ name }),
    body: deprecateRequest,
    response: versionAnswer,
  };
  app.post(
    `${path}/:name/deprecate`,
    { config: { needs: 'publish' }, schema: deprecate },
    async (request, reply) => {
      const { version, reason } = request.body;
      const subject = changed(request, schemas, request.params.name);
      const mark = reason === null ? null : { by: callerOf(request).name, reason };
      await schemas.deprecate(subject, version ?? 'all', mark);
      const found = await schemas.find(subject, version ?? 'latest');
      if (found === undefined) throw notThere(subject, version ?? 'latest');
      return sendFacts(reply, 200, factsOf(found));
    },
  );
}

const textOf = (schema: string | object): string =>
  typeof schema === 'string' ? schema : JSON.stringify(schema);
