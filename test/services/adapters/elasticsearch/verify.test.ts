import { describe } from 'vitest';
import { elasticsearchReadModel } from '../../../../src/adapters/elasticsearch/read-model.ts';
import { verifyLaws } from '../../../contracts/verify-model.ts';
import { elasticsearchUrl, ownPrefix } from './given.ts';
import { elasticsearchPlants } from './plants.ts';

describe('Elasticsearch', () =>
  verifyLaws(async () => {
    const place = ownPrefix();
    const model = elasticsearchReadModel({ url: elasticsearchUrl(), prefix: place.prefix });
    return {
      model,
      plant: elasticsearchPlants(place.prefix),
      async [Symbol.asyncDispose]() {
        await model[Symbol.asyncDispose]();
        await place[Symbol.asyncDispose]();
      },
    };
  }));
