import { checkedQuery } from '../../ports/checked-query.ts';
import type { ModelIndex, Page, Query, StoredDocument } from '../../ports/read-model.ts';
import { indexAction, sendBulk } from './bulk.ts';
import { AnswerTooLarge } from './client.ts';
import { type EngineIndex, loadDocuments } from './engine-index.ts';
import { laneSource, lanesIn } from './lanes.ts';
import { laneId } from './mapping.ts';
import { searchBody } from './query-dsl.ts';
import { repairDocuments } from './repair.ts';
import { scanIndex } from './scan.ts';
import { readPage } from './search-answer.ts';
import { takeSnapshot } from './snapshot.ts';
import { storeDocuments } from './store.ts';

const idsPerRequestMax = 1_000;

/** One index of Elasticsearch. A progress document's version is its `next` + 1, so the engine keeps it from falling. */
export function elasticsearchIndex(of: EngineIndex): ModelIndex {
  const { client, index: name, physical, definition } = of;
  return {
    name,
    definition,
    async load(ids) {
      const found = new Map<string, StoredDocument>();
      const different = [...new Set(ids)];
      for (let from = 0; from < different.length; from += idsPerRequestMax)
        for (const document of await loadDocuments(of, different.slice(from, from + idsPerRequestMax)))
          found.set(document.id, document);
      return found;
    },
    store: (documents, versionMax) => storeDocuments(of, documents, versionMax),
    repair: (documents, removed) => repairDocuments(of, documents, removed),
    async progress() {
      await client.request({ method: 'POST', path: `/${physical}/_refresh`, index: name });
      return lanesIn(of);
    },
    visible: () => lanesIn(of),
    async saveProgress(lanes) {
      const lines = lanes.map((lane) => ({
        action: indexAction(laneId(lane), lane.next + 1),
        source: JSON.stringify({ lane: laneSource(lane) }),
      }));
      const refused = (await sendBulk(of, lines)).find((verdict) => typeof verdict === 'object');
      if (refused !== undefined) throw new Error(`progress refused by ${name}: ${refused.refused}`);
    },
    async refresh() {
      if (of.building()) await client.request({ method: 'POST', path: `/${physical}/_flush`, index: name });
      await client.request({ method: 'POST', path: `/${physical}/_refresh`, index: name });
    },
    query: async (query) => searchPage(of, checkedQuery(definition, query)),
    scan: () => scanIndex(of),
    snapshot: () => takeSnapshot(of),
  };
}

async function searchPage(of: EngineIndex, query: Query): Promise<Page> {
  try {
    const answer = await of.client.requestBytes({
      method: 'POST',
      path: `/${of.physical}/_search`,
      query: { allow_partial_search_results: false },
      body: searchBody(query),
      index: of.index,
    });
    const { hits, total } = readPage(answer);
    return {
      hits: hits.map(({ document: { id, version, body }, sort }) => ({
        ...{ id, version, body },
        sortValues: JSON.parse(sort) as (string | number)[],
      })),
      total,
    };
  } catch (error) {
    if (!(error instanceof AnswerTooLarge) || query.limit === 1) throw error;
    const half = Math.ceil(query.limit / 2);
    const first = await searchPage(of, { ...query, limit: half });
    const after = first.hits.at(-1)?.sortValues;
    if (after === undefined || first.hits.length < half) return first;
    const rest = await searchPage(of, { ...query, limit: query.limit - half, after });
    return { hits: [...first.hits, ...rest.hits], total: first.total };
  }
}
