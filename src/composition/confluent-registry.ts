import { ContainerModule } from 'inversify';
import { confluentRegistry } from '../adapters/confluent-registry/schema-registry.ts';
import { secretIn } from '../adapters/system/secret-file.ts';
import { secretText } from './secret-text.ts';
import type { PortSettings } from './settings.ts';
import { tokens } from './tokens.ts';

export const registryAt = ({
  url,
  access,
}: Extract<PortSettings['registry'], { kind: 'confluent' }>): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.registry)
      .toResolvedValue(() => {
        const { caFile, login } = access ?? {};
        return confluentRegistry({
          url,
          ...(caFile === undefined ? {} : { ca: secretIn(caFile) }),
          ...(login !== undefined && 'username' in login
            ? { auth: { username: login.username, password: secretText(login.password) } }
            : {}),
        });
      })
      .inSingletonScope();
  });
