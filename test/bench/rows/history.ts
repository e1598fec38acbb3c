import { alternating, mebibytes, medianRatio, perSecond } from '../measure.ts';
import { told } from '../processes.ts';
import type { Row } from '../row.ts';
import { archived, rebuildOnce } from './rebuild.ts';

export const history: Row = {
  name: 'history',
  about:
    '`history` from Azure Blob into Elasticsearch, proof included, beside raw `_bulk` of the same documents',
  async run(context) {
    const env = await archived(context, 'history');
    const raw = (): Promise<{ documents: number; seconds: number }> =>
      told('test/bench/peers/raw-bulk.ts', env);
    // The first round warms the engine and is not counted.
    const { a, b } = await alternating(context.rounds + 1, () => rebuildOnce(env), raw);
    const [ours, ceiling] = [a.slice(1), b.slice(1)];
    if (ours.some(({ documents }, round) => documents !== ceiling[round]!.documents))
      throw new Error('raw bulk wrote another number of documents');
    const whole = ours.map(({ documents, seconds }) => documents / seconds);
    const filling = ours.map(({ documents, foldSeconds }) => documents / foldSeconds);
    const most = ceiling.map(({ documents, seconds }) => documents / seconds);
    const beside = `raw _bulk ${perSecond(most)}`;
    return [
      {
        what: 'rebuild of history',
        measured: `${perSecond(whole)} documents`,
        beside,
        ratio: medianRatio(whole, most),
      },
      {
        what: 'the same without reading back',
        measured: `${perSecond(filling)} documents`,
        beside,
        ratio: medianRatio(filling, most),
      },
      { what: 'peak RSS', measured: mebibytes(ours.map(({ rssMiB }) => rssMiB)), target: '≤ 512 MiB' },
    ];
  },
};
