import { randomBytes } from 'node:crypto';
import { elasticsearchReadModel } from '../../../../src/adapters/elasticsearch/read-model.ts';
import { readModelContract } from '../../../contracts/read-model.contract.ts';
import { addresses } from '../../addresses.ts';

const { elasticsearchUrl: url } = addresses();

readModelContract('Elasticsearch', async () => {
  const prefix = `law${randomBytes(5).toString('hex')}`;
  return {
    open: async () => elasticsearchReadModel({ url, prefix }),
    queries: 60,
    async [Symbol.asyncDispose]() {
      await fetch(`${url}/${prefix}-*`, { method: 'DELETE' });
    },
  };
});
