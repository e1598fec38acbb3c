import { ContainerModule } from 'inversify';
import { folderArchive } from '../adapters/folder/archive-store.ts';
import { tokens } from './tokens.ts';

export const folder = ({ dir }: { readonly dir: string }): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.archive)
      .toResolvedValue(() => folderArchive({ dir }))
      .inSingletonScope();
  });
