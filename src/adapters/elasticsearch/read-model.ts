import { setTimeout } from 'node:timers/promises';
import { Fault } from '../../domain/fault.ts';
import type { IndexFound, ModelIndex, ReadModel } from '../../ports/read-model.ts';
import { indexName } from '../../ports/search-values.ts';
import { slots } from './bulk.ts';
import { type ElasticsearchAuth, type ElasticsearchClient, elasticsearchClient, Refusal } from './client.ts';
import { type EngineIndexInfo, type EngineNames, findIndex } from './find-index.ts';
import { listIndexes } from './list.ts';
import { type IndexMeta, newIndex } from './mapping.ts';
import { elasticsearchIndex } from './model-index.ts';
import { searchersOf } from './searchers.ts';
import { swapAlias } from './swap.ts';

export interface ElasticsearchOptions {
  /** One address; credentials in it are not shown. */
  readonly url: string;
  /** Every index and alias is called `<prefix>-…`: lower-case letters, digits and hyphens. */
  readonly prefix: string;
  readonly auth?: ElasticsearchAuth;
  /** Certificates (PEM) that vouch for the server, in the place of the machine's own. */
  readonly ca?: string;
  /** Largest answer that is read at once; 64 MiB where left out. What is larger is asked for in parts. */
  readonly answerBytesMax?: number;
  /** How to wait before what the engine was too busy for is sent again. */
  readonly wait?: (waitMs: number) => Promise<unknown>;
}

const prefixText = /^[a-z][a-z0-9-]{0,63}$/;
const nameText = /^[a-z0-9-]{1,160}$/;
const bulksAtOnce = 2;
/** The engine has few threads that take requests, and searches wait behind what they have to split: 140 ms, measured. */
const gentleBytesMax = 256 * 1_024;

/**
 * Read models in Elasticsearch 9: an index `<prefix>-<projection>-v<version>-<suffix>` each, and an alias
 * `<prefix>-<projection>` on the one that serves, with a filter that hides what is hidden. Throws a RangeError for a
 * prefix no index could have.
 */
export function elasticsearchReadModel(options: ElasticsearchOptions): ReadModel {
  const { url, prefix, auth, ca, answerBytesMax = 64 * 1024 * 1024 } = options;
  const wait = options.wait ?? ((waitMs: number) => setTimeout(waitMs));
  if (!prefixText.test(prefix)) throw new RangeError(`index prefix ${prefix}`);
  const { origin, pathname } = new URL(url);
  const place = `${origin}${pathname}${pathname.endsWith('/') ? '' : '/'}${prefix}-*`;
  const client = elasticsearchClient(url, place, { auth, ca }, answerBytesMax);
  const permits = slots(bulksAtOnce);
  const gentlePermits = slots(1, gentleBytesMax);
  const names: EngineNames = {
    prefix,
    physical: (name) => `${prefix}-${name}`,
    writing: (name) => `${prefix}-${name}-write`,
    serving: (projection) => `${prefix}-${projection}`,
  };
  const building = new Set<string>();
  const searchers = searchersOf(client, prefix, (physical) =>
    building.has(physical.slice(prefix.length + 1)),
  );
  const gently = async (name: string): Promise<boolean> => building.has(name) && (await searchers.areThere());
  const index = ({ name, definition }: Pick<IndexMeta, 'name' | 'definition'>): ModelIndex =>
    elasticsearchIndex({
      client,
      index: name,
      definition,
      physical: names.physical(name),
      writeAlias: names.writing(name),
      slots: permits,
      gentleSlots: async () => ((await gently(name)) ? gentlePermits : undefined),
      gently: () => gently(name),
      wait,
      building: () => building.has(name),
    });
  const opened = (meta: IndexMeta, { settings }: EngineIndexInfo): ModelIndex => {
    if (settings.index.translog?.durability === 'async') building.add(meta.name);
    else building.delete(meta.name);
    return index(meta);
  };

  return {
    place,
    async create(definition, suffix) {
      const meta: IndexMeta = { prefix, name: indexName(definition, suffix), definition };
      await createIndex(client, names, meta, place);
      building.add(meta.name);
      await searchers.areThere();
      return index(meta);
    },
    async serving({ projection }) {
      const found = await findIndex(client, names.serving(projection), prefix);
      return found === undefined ? undefined : opened(found.meta, found.info);
    },
    async open(name, { projection }) {
      const found = nameText.test(name) ? await findIndex(client, names.physical(name), prefix) : undefined;
      return found?.meta.name === name && found.meta.definition.projection === projection
        ? opened(found.meta, found.info)
        : undefined;
    },
    async swap(projection, from, to) {
      await swapAlias({ client, names, place }, projection, from, to);
      building.delete(to);
    },
    async drop(name) {
      const found = nameText.test(name) ? await findIndex(client, names.physical(name), prefix) : undefined;
      if (found?.meta.name !== name) return;
      if (Object.hasOwn(found.info.aliases, names.serving(found.meta.definition.projection)))
        throw new Fault('SWAP_REFUSED', { serving: name, place });
      await client.request({ method: 'DELETE', path: `/${names.physical(name)}` });
    },
    list: (): Promise<readonly IndexFound[]> => listIndexes(client, names),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function createIndex(
  client: ElasticsearchClient,
  names: EngineNames,
  meta: IndexMeta,
  place: string,
): Promise<void> {
  try {
    await client.request({
      method: 'PUT',
      path: `/${names.physical(meta.name)}`,
      body: newIndex(meta, names.writing(meta.name)),
    });
  } catch (error) {
    if (error instanceof Refusal && error.type === 'resource_already_exists_exception')
      throw new Fault('INDEX_EXISTS', { index: meta.name, place });
    throw error;
  }
}
