import { type ElasticsearchClient, Refusal } from './client.ts';
import type { IndexMeta } from './mapping.ts';

/** Names in the engine for the names of the port. */
export interface EngineNames {
  readonly prefix: string;
  physical(name: string): string;
  /** Writes go by this alias, which dies with its index: a write never makes an index. */
  writing(name: string): string;
  /** What serves is where this alias points, and nothing else says so. */
  serving(projection: string): string;
}

/** An index as `GET /<name>` tells it. */
export interface EngineIndexInfo {
  readonly aliases: Readonly<Record<string, object>>;
  readonly mappings: { readonly _meta?: { readonly annal?: IndexMeta } };
  readonly settings: { readonly index: { readonly translog?: { readonly durability?: string } } };
}

/** The index of a name or alias, if it is one of ours. */
export async function findIndex(
  client: ElasticsearchClient,
  nameOrAlias: string,
  prefix: string,
): Promise<{ readonly meta: IndexMeta; readonly info: EngineIndexInfo } | undefined> {
  try {
    const answer = await client.request<Record<string, EngineIndexInfo>>({
      method: 'GET',
      path: `/${nameOrAlias}`,
    });
    const [info] = Object.values(answer);
    const meta = info?.mappings._meta?.annal;
    return info === undefined || meta?.prefix !== prefix ? undefined : { meta, info };
  } catch (error) {
    if (error instanceof Refusal && error.status === 404 && error.type !== '') return undefined;
    throw error;
  }
}
