import { kafkaLogHost } from '../../../../src/adapters/kafka/log-host.ts';
import { eventLogContract } from '../../../contracts/event-log.contract.ts';
import { deleteRecords, kafkaSettings } from './given.ts';

eventLogContract('Kafka', async () => {
  const host = kafkaLogHost(kafkaSettings());
  return {
    host,
    contiguous: true,
    trim: ({ topic }, partition, before) => deleteRecords(topic, partition, before),
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
    },
  };
});
