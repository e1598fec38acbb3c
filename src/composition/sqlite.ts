import { ContainerModule } from 'inversify';
import { sqliteReadModel } from '../adapters/sqlite/read-model.ts';
import { tokens } from './tokens.ts';

export const sqlite = ({ dir }: { readonly dir: string }): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.readModel)
      .toResolvedValue(() => sqliteReadModel({ dir }))
      .inSingletonScope();
  });
