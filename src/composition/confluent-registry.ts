import { ContainerModule } from 'inversify';
import { confluentRegistry } from '../adapters/confluent-registry/schema-registry.ts';
import { tokens } from './tokens.ts';

export const registryAt = ({ url }: { readonly url: string }): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.registry)
      .toResolvedValue(() => confluentRegistry({ url }))
      .inSingletonScope();
  });
