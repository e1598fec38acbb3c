import { ContainerModule } from 'inversify';
import { azureTokens } from '../adapters/azure-identity/tokens.ts';
import { azureRegistry } from '../adapters/azure-registry/schema-registry.ts';
import type { PortSettings } from './settings.ts';
import { tokens } from './tokens.ts';

/** Of Event Hubs, whose namespaces hold the groups. */
const scope = 'https://eventhubs.azure.net/.default';

export const registryInGroup = ({
  url,
  group,
}: Extract<PortSettings['registry'], { kind: 'azure' }>): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.registry)
      .toResolvedValue(() => azureRegistry({ url, group, tokens: azureTokens(scope) }))
      .inSingletonScope();
  });
