import { kafkaLogHost } from '../../../../src/adapters/kafka/log-host.ts';
import type { LogHost } from '../../../../src/ports/event-log.ts';
import { eventLogContract } from '../../../contracts/event-log.contract.ts';
import { eventHubs } from '../../event-hubs/manners.ts';
import { eventHubsProxy } from '../../event-hubs/proxy.ts';
import { brokers, deleteRecords, kafkaSettings } from './given.ts';

eventLogContract('Kafka with the manners of Event Hubs', async () => {
  const proxy = await eventHubsProxy(brokers()[0]!, eventHubs);
  const mannered = kafkaLogHost(kafkaSettings({ brokers: [proxy.address] }));
  // Topics come from somebody else there.
  const direct = kafkaLogHost(kafkaSettings());
  const host: LogHost = { ...mannered, create: (topic) => direct.create(topic) };
  return {
    host,
    contiguous: true,
    trim: ({ topic }, partition, before) => deleteRecords(topic, partition, before),
    async [Symbol.asyncDispose]() {
      await mannered[Symbol.asyncDispose]();
      await direct[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
});
