import { ContainerModule } from 'inversify';
import { type AzureBlobOptions, azureBlobArchive } from '../adapters/azure-blob/archive-store.ts';
import { tokens } from './tokens.ts';

export const azureBlob = (options: AzureBlobOptions): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.archive)
      .toResolvedValue(() => azureBlobArchive(options))
      .inSingletonScope();
  });
