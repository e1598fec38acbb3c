import { ContainerModule } from 'inversify';
import { elasticsearchReadModel } from '../adapters/elasticsearch/read-model.ts';
import { tokens } from './tokens.ts';

export const elasticsearch = (options: { readonly url: string; readonly prefix: string }): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.readModel)
      .toResolvedValue(() => elasticsearchReadModel(options))
      .inSingletonScope();
  });
