import { ContainerModule } from 'inversify';
import { azureTokens } from '../adapters/azure-identity/tokens.ts';
import { kafkaLogHost } from '../adapters/kafka/log-host.ts';
import type { KafkaSettings } from '../adapters/kafka/settings.ts';
import { secretIn, tokensIn } from '../adapters/system/secret-file.ts';
import type { Notice } from './notice.ts';
import { secretText } from './secret-text.ts';
import type { KafkaAccess, PortSettings } from './settings.ts';
import { tokens } from './tokens.ts';

export const kafka = (
  { access, brokers, retentionMs, sessionTimeoutMs }: Extract<PortSettings['log'], { kind: 'kafka' }>,
  notice: Notice,
): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.logHost)
      .toResolvedValue(
        (clock) =>
          kafkaLogHost({
            ...{ brokers, retentionMs, clientId: 'annal', clock },
            ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
            ...(access === undefined ? {} : accessTo(access)),
            onNotice: ({ what, facts }) => notice(what, facts),
          }),
        [tokens.clock],
      )
      .inSingletonScope();
  });

/** Secrets in files are read when they are needed: who puts a new one there need not restart anything. */
function accessTo({ tls, sasl }: KafkaAccess): Pick<KafkaSettings, 'tls' | 'sasl'> {
  const caFile = tls?.caFile;
  const secured = tls && { tls: caFile === undefined ? {} : { ca: () => secretIn(caFile) } };
  if (sasl === undefined) return { ...secured };
  if (sasl.mechanism !== 'oauthbearer') {
    const { mechanism, username, password } = sasl;
    return { ...secured, sasl: { mechanism, username, password: () => secretText(password) } };
  }
  const { tokens: from } = sasl;
  const token = from.from === 'azure' ? azureTokens(from.scope) : tokensIn(from.file);
  return { ...secured, sasl: { mechanism: 'oauthbearer', token } };
}
