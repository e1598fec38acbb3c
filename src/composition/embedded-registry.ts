import { ContainerModule } from 'inversify';
import { embeddedRegistry } from '../adapters/embedded-registry/schema-registry.ts';
import { tokens } from './tokens.ts';

export const registryInFolder = ({ dir }: { readonly dir: string }): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.registry)
      .toResolvedValue(() => embeddedRegistry({ dir }))
      .inSingletonScope();
  });
