import type { IndexFound } from '../../ports/read-model.ts';
import type { ElasticsearchClient } from './client.ts';
import type { EngineIndexInfo, EngineNames } from './find-index.ts';

interface Counts {
  readonly aggregations?: {
    readonly indexes: {
      readonly buckets: readonly {
        readonly key: string;
        readonly doc_count: number;
        readonly unindexable: { readonly doc_count: number };
      }[];
    };
  };
}

interface Sizes {
  readonly indices?: Readonly<
    Record<string, { readonly total: { readonly store: { readonly size_in_bytes: number } } }>
  >;
}

const indexesMax = 10_000;

/** Every index of the prefix, with its number of documents as of the last refresh. */
export async function listIndexes(client: ElasticsearchClient, names: EngineNames): Promise<IndexFound[]> {
  const pattern = `/${names.prefix}-*`;
  const indexes = await client.request<Record<string, EngineIndexInfo>>({ method: 'GET', path: pattern });
  // Another prefix may begin with ours: the mapping says whose an index is.
  const ours = Object.entries(indexes).flatMap(([physical, info]) => {
    const meta = info.mappings._meta?.annal;
    return meta?.prefix === names.prefix ? [{ physical, info, meta }] : [];
  });
  const counts = await client.request<Counts>({
    method: 'POST',
    path: `${pattern}/_search`,
    body: {
      size: 0,
      query: { exists: { field: 'visible' } },
      aggs: {
        indexes: {
          terms: { field: '_index', size: indexesMax },
          aggs: { unindexable: { filter: { exists: { field: 'unindexable' } } } },
        },
      },
    },
  });
  const sizes = await client.request<Sizes>({ method: 'GET', path: `${pattern}/_stats/store` });
  const counted = new Map((counts.aggregations?.indexes.buckets ?? []).map((bucket) => [bucket.key, bucket]));
  return ours
    .map(({ physical, info, meta: { name, definition } }) => ({
      name,
      projection: definition.projection,
      version: definition.version,
      serving: Object.hasOwn(info.aliases, names.serving(definition.projection)),
      documents: counted.get(physical)?.doc_count ?? 0,
      unindexable: counted.get(physical)?.unindexable.doc_count ?? 0,
      bytes: sizes.indices?.[physical]?.total.store.size_in_bytes ?? 0,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
