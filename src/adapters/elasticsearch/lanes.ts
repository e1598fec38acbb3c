import type { LaneProgress } from '../../ports/read-model.ts';
import type { EngineIndex } from './engine-index.ts';
import { type Point, pointIn } from './scan.ts';

const lanesPerRequest = 1_000;

interface LaneHit {
  readonly sort: readonly number[];
  readonly _source: { readonly lane: LaneSource };
}

interface LaneSource {
  readonly epoch: number;
  readonly partition: number;
  readonly next: number;
  readonly time_max: number;
}

export const laneSource = ({ epoch, partition, next, timeMax }: LaneProgress): LaneSource => ({
  epoch,
  partition,
  next,
  time_max: timeMax,
});

/** Progress of all lanes as a search sees it, now or at a point in time. */
export async function lanesIn(of: EngineIndex, point?: Point): Promise<LaneProgress[]> {
  const lanes: LaneProgress[] = [];
  for (let after: readonly number[] | undefined; ; ) {
    const { hits } = await of.client.request<{ readonly hits: { readonly hits: readonly LaneHit[] } }>({
      method: 'POST',
      path: point === undefined ? `/${of.physical}/_search` : '/_search',
      query: { allow_partial_search_results: false },
      body: {
        ...(point === undefined ? {} : pointIn(point)),
        size: lanesPerRequest,
        query: { exists: { field: 'lane.epoch' } },
        sort: [{ 'lane.epoch': 'asc' }, { 'lane.partition': 'asc' }],
        ...(after === undefined ? {} : { search_after: after }),
      },
      index: of.index,
    });
    for (const { _source } of hits.hits) {
      const { epoch, partition, next, time_max: timeMax } = _source.lane;
      lanes.push({ epoch, partition, next, timeMax });
    }
    after = hits.hits.at(-1)?.sort;
    if (hits.hits.length < lanesPerRequest) return lanes;
  }
}
