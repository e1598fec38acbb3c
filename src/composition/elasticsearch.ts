import { ContainerModule } from 'inversify';
import { elasticsearchReadModel } from '../adapters/elasticsearch/read-model.ts';
import { secretIn } from '../adapters/system/secret-file.ts';
import { secretText } from './secret-text.ts';
import type { HttpAccess, PortSettings } from './settings.ts';
import { tokens } from './tokens.ts';

export const elasticsearch = ({
  url,
  prefix,
  access,
}: Extract<PortSettings['readModel'], { kind: 'elasticsearch' }>): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.readModel)
      .toResolvedValue(() => {
        const { caFile, login } = access ?? {};
        return elasticsearchReadModel({
          ...{ url, prefix },
          ...(caFile === undefined ? {} : { ca: secretIn(caFile) }),
          ...(login === undefined ? {} : { auth: authOf(login) }),
        });
      })
      .inSingletonScope();
  });

const authOf = (login: NonNullable<HttpAccess['login']>) =>
  'apiKey' in login
    ? { apiKey: secretText(login.apiKey) }
    : { username: login.username, password: secretText(login.password) };
