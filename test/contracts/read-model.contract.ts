import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import type {
  Document,
  ModelDefinition,
  ModelIndex,
  Query,
  ReadModel,
  SearchFields,
  StoredDocument,
} from '../../src/ports/read-model.ts';
import type { Plants } from './plants.ts';
import { readModelParity } from './read-model-parity.ts';
import { readModelQueryLaws } from './read-model-queries.ts';
import { readModelSearchLaws } from './read-model-search.ts';
import { readModelServingLaws } from './read-model-serving.ts';
import { readModelSnapshotLaws } from './read-model-snapshot.ts';
import { readModelStoreLaws } from './read-model-store.ts';

/** A place for read models to be judged: handles opened in it see the same indexes, as of two processes. */
export interface ReadModelUnderTest extends AsyncDisposable {
  /** A handle; called more than once. */
  open(): Promise<ReadModel>;
  /** How many generated queries the law on parity asks. */
  readonly queries: number;
  readonly plant: Plants;
}

/** What the laws are written with. */
export interface ReadModelGiven {
  readonly under: ReadModelUnderTest;
  readonly model: ReadModel;
  /** An empty index of a projection of its own. */
  fresh(fields?: ModelDefinition['fields']): Promise<ModelIndex>;
}

export const definition = (fields: ModelDefinition['fields'] = { key: 'keyword' }): ModelDefinition => ({
  projection: `p${randomBytes(6).toString('hex')}`,
  version: 1,
  fields,
});

export const document = (
  id: string,
  version: number,
  body: string | Uint8Array = JSON.stringify({ id, version }),
  search: SearchFields | null = { key: id },
): Document => ({ id, version, body: typeof body === 'string' ? Buffer.from(body) : body, search });

/** Content to compare: id, version and the body's text. */
export const shape = ({ id, version, body }: Omit<Document, 'search'>): [string, number, string] => [
  id,
  version,
  Buffer.from(body).toString('utf8'),
];

export async function scanned(index: ModelIndex): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = [];
  for await (const batch of index.scan()) documents.push(...batch);
  return documents;
}

export const byKey = { where: [], sort: [{ field: 'key', order: 'asc' }], limit: 1_000 } satisfies Query;

/** The ids a query finds, in order; the index is refreshed first. */
export async function found(index: ModelIndex, query: Partial<Query> = {}): Promise<string[]> {
  await index.refresh();
  return (await index.query({ ...byKey, ...query })).hits.map(({ id }) => id);
}

export const versionsEnd = Number.MAX_SAFE_INTEGER;

/** The laws of a read model. Every engine obeys all of them: same words, same results, same order. */
export function readModelContract(name: string, place: () => Promise<ReadModelUnderTest>): void {
  describe(`read model: ${name}`, () => {
    let under: ReadModelUnderTest | undefined;
    let model: ReadModel | undefined;
    beforeAll(async () => {
      under = await place();
      model = await under.open();
    });
    afterAll(async () => {
      await model?.[Symbol.asyncDispose]();
      await under?.[Symbol.asyncDispose]();
    });
    const given: ReadModelGiven = {
      get under() {
        return under!;
      },
      get model() {
        return model!;
      },
      fresh: (fields) => model!.create(definition(fields), 'a'),
    };
    describe('stores', () => readModelStoreLaws(given));
    describe('serves', () => readModelServingLaws(given));
    describe('searches', () => readModelSearchLaws(given));
    describe('is held', () => readModelSnapshotLaws(given));
    describe('is asked', () => readModelQueryLaws(given));
    describe('finds what a plain filter finds', () => readModelParity(given));
  });
}
