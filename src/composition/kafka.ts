import { ContainerModule } from 'inversify';
import { kafkaLogHost } from '../adapters/kafka/log-host.ts';
import type { KafkaSettings } from '../adapters/kafka/settings.ts';
import type { Notice } from './notice.ts';
import { tokens } from './tokens.ts';

export const kafka = (
  settings: Pick<KafkaSettings, 'brokers' | 'retentionMs' | 'sessionTimeoutMs'>,
  notice: Notice,
): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.logHost)
      .toResolvedValue(
        (clock) =>
          kafkaLogHost({
            ...settings,
            clientId: 'annal',
            clock,
            onNotice: ({ what, facts }) => notice(what, facts),
          }),
        [tokens.clock],
      )
      .inSingletonScope();
  });
