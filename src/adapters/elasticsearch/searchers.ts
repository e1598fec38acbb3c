import { isFault } from '../../domain/fault.ts';
import type { ElasticsearchClient } from './client.ts';

/** Told to who fills or reads an index as a whole: whether others search meanwhile, who would wait behind each large request. */
export interface Searchers {
  /** As of half a second ago at most, where it is asked again and again; the first look tells nothing yet. */
  areThere(): Promise<boolean>;
}

const lookMs = 500;
/** Fewer are those of who watches. */
const perSecondMin = 4;

interface QueryCounts {
  readonly indices?: Readonly<
    Record<string, { readonly total: { readonly search: { readonly query_total: number } } }>
  >;
}

/**
 * Looks at how many searches the engine counts on the indexes of a prefix, but for those that `isOwn` names: what a rebuild asks
 * its own index is no reader. Where the engine does not tell, the last answer stands.
 */
export function searchersOf(
  client: ElasticsearchClient,
  prefix: string,
  isOwn: (physical: string) => boolean,
): Searchers {
  let known = new Map<string, number>();
  let [lookedAt, areThere] = [Number.NEGATIVE_INFINITY, false];
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    const before = lookedAt;
    lookedAt = performance.now();
    const counts = await countsOf(client, prefix);
    if (counts === undefined) return;
    let more = 0;
    for (const [physical, count] of counts)
      if (!isOwn(physical)) more += Math.max(0, count - (known.get(physical) ?? count));
    known = counts;
    areThere = more >= (perSecondMin * (lookedAt - before)) / 1_000;
  }

  return {
    async areThere() {
      if (looking === undefined && performance.now() - lookedAt >= lookMs)
        looking = look().finally(() => {
          looking = undefined;
        });
      await looking;
      return areThere;
    },
  };
}

/** Searches so far, by index. */
async function countsOf(
  client: ElasticsearchClient,
  prefix: string,
): Promise<Map<string, number> | undefined> {
  try {
    const { indices = {} } = await client.request<QueryCounts>({
      method: 'GET',
      path: `/${prefix}-*/_stats/search`,
      query: { filter_path: 'indices.*.total.search.query_total' },
    });
    return new Map(Object.entries(indices).map(([name, { total }]) => [name, total.search.query_total]));
  } catch (error) {
    // Who may not ask, or whom nobody answers, goes on as before; what the engine is asked next tells more.
    if (isFault(error)) return undefined;
    throw error;
  }
}
