import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anApi, type Calling, properties, type ServedAnnal, servedAnnal, urn } from '../../given/api.ts';

interface Media {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Record<string, { readonly value: unknown }>;
}
interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: object;
    readonly example?: unknown;
  }[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, Media> }
  >;
}
interface Description {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object> };
}

let served: ServedAnnal;
let call: Calling;
let description: Description;
let ajv: Ajv2020;

beforeAll(async () => {
  served = await servedAnnal();
  call = served.call;
  description = (await call('GET', '/openapi.json')).json;
  ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  ajv.addSchema({ $id: 'annal', components: description.components });
});
afterAll(() => served[Symbol.asyncDispose]());

const operations = (): [string, Operation][] =>
  Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method} ${path}`,
      operation,
    ]),
  );

/** Faults of a value against a schema of the description. */
function faultsOf(schema: object, value: unknown): string | undefined {
  const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"annal#/components/'));
  const judge = ajv.compile(local);
  return judge(value) ? undefined : ajv.errorsText(judge.errors);
}

test('it is OpenAPI 3.1, every reference leads somewhere, and schemas are JSON Schema', () => {
  expect(description.openapi).toBe('3.1.0');
  const references = JSON.stringify(description).matchAll(/"\$ref":"([^"]+)"/g);
  for (const [, reference] of references) {
    const name = /^#\/components\/schemas\/([A-Za-z]+)$/.exec(reference!)?.[1];
    expect(Object.keys(description.components.schemas), reference).toContain(name);
  }
  for (const [name, schema] of Object.entries(description.components.schemas))
    expect(() => faultsOf(schema, {}), name).not.toThrow();
});

test('every route is described, and nothing else', async () => {
  const routes = new Set<string>();
  const api = anApi(served.annal.runtime);
  api.addHook('onRoute', ({ url, method, schema }) => {
    const hidden = (schema as { hide?: boolean } | undefined)?.hide === true;
    for (const each of [method].flat())
      if (each !== 'HEAD' && !hidden)
        routes.add(`${each.toLowerCase()} ${url.replace(/:([a-z]+)/g, '{$1}')}`);
  });
  await api.ready();
  await api.close();
  expect(
    operations()
      .map(([name]) => name)
      .sort(),
  ).toEqual([...routes].sort());
});

test('every operation has a summary, an example per answer, and examples fit their schemas', () => {
  for (const [name, operation] of operations()) {
    expect(operation.summary, name).toMatch(/./);
    for (const { name: parameter, schema, example } of operation.parameters ?? [])
      if (example !== undefined) expect(faultsOf(schema, example), `${name} ${parameter}`).toBeUndefined();
    const bodies = Object.entries(operation.requestBody?.content ?? {});
    const answers = Object.entries(operation.responses).flatMap(
      ([status, { description: told, content = {} }]) => {
        expect(told, `${name} ${status}`).toMatch(/./);
        return status === 'default' ? [] : Object.entries(content);
      },
    );
    expect(answers.length, name).toBeGreaterThan(0);
    for (const [type, { schema, example, examples }] of [...bodies, ...answers]) {
      const given =
        example === undefined ? Object.values(examples ?? {}).map(({ value }) => value) : [example];
      expect(given.length, `${name} ${type}`).toBeGreaterThan(0);
      for (const one of given) expect(faultsOf(schema, one), `${name} ${type}`).toBeUndefined();
    }
  }
});

test('answers are what the description says', async () => {
  const [position] = await served.put(properties('orders', { description: 'x' }));
  await served.put({
    urn: urn('orders'),
    aspect: 'datasetProperties',
    change: 'PATCH',
    value: [{ op: 'remove', path: '/description' }],
  });
  const entity = `/v1/entities/${encodeURIComponent(urn('orders'))}`;
  await served.put({
    ...{ urn: urn('orders'), aspect: 'upstreamLineage' },
    value: { upstreams: [{ dataset: urn('raw'), type: 'COPY' }] },
  });
  const begun = await call('POST', '/v1/rebuilds', { body: { projection: 'entities' } });
  const { id } = begun.json.operations[0];
  await call('GET', `/v1/rebuilds/${id}?wait=60s`);
  const asked: [string, string, unknown?][] = [
    ['get /v1/search', '/v1/search'],
    ['get /v1/facets', '/v1/facets'],
    ['get /v1/events', '/v1/events?since=1h'],
    ['get /v1/events', '/v1/events?after=1:0.0'],
    ['get /v1/events/{position}', `/v1/events/${position}`],
    ['get /v1/entities/{urn}', entity],
    ['get /v1/entities/{urn}', `${entity}?as-of=@${position}`],
    ['get /v1/entities/{urn}/history', `${entity}/history`],
    ['get /v1/entities/{urn}/lineage', `${entity}/lineage?columns=true`],
    ['get /v1/projections', '/v1/projections'],
    ['get /v1/archive', '/v1/archive'],
    ['get /v1/epochs', '/v1/epochs'],
    ['post /v1/epochs', '/v1/epochs', { action: 'open', partitions: 3, plan: true }],
    ['post /v1/epochs', '/v1/epochs', { action: 'open', after: 9 }],
    ['get /v1/errors', '/v1/errors'],
    ['get /v1/rebuilds/{id}', `/v1/rebuilds/${id}`],
    ['get /livez', '/livez'],
    ['get /readyz', '/readyz'],
    ['post /v1/events', '/v1/events', properties('one')],
    ['post /v1/events', '/v1/events', [properties('one'), { urn: 'x' }]],
    ['post /v1/rebuilds', '/v1/rebuilds', { projection: 'all', plan: true }],
    ['post /v1/verifications', '/v1/verifications', { projection: 'history' }],
    ['get /v1/search', '/v1/search?limit=0'],
    ['get /v1/entities/{urn}', '/v1/entities/urn:li:dataset:nothing'],
  ];
  for (const [name, path, body] of asked) {
    const [method] = name.split(' ');
    const answer = await call(method === 'get' ? 'GET' : 'POST', path, body === undefined ? {} : { body });
    const operation = operations().find(([found]) => found === name)![1];
    const described = operation.responses[answer.status] ?? operation.responses.default!;
    const [type] = String(answer.headers['content-type']).split(';');
    const media = described.content![type!];
    expect(media, `${name} ${answer.status} ${type}`).toBeDefined();
    expect(
      faultsOf(media!.schema, answer.json),
      `${name} ${path}: ${answer.text.slice(0, 400)}`,
    ).toBeUndefined();
  }
});
