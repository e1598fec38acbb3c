import { elasticsearchReadModel } from '../../../../src/adapters/elasticsearch/read-model.ts';
import { readModelContract } from '../../../contracts/read-model.contract.ts';
import { elasticsearchUrl, ownPrefix } from './given.ts';
import { elasticsearchPlants } from './plants.ts';

readModelContract('Elasticsearch', async () => {
  const { prefix, [Symbol.asyncDispose]: remove } = ownPrefix();
  return {
    open: async () => elasticsearchReadModel({ url: elasticsearchUrl(), prefix }),
    queries: 60,
    plant: elasticsearchPlants(prefix),
    [Symbol.asyncDispose]: remove,
  };
});
