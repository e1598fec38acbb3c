import { archiveStoreContract } from '../contracts/archive-store.contract.ts';
import { eventLogContract } from '../contracts/event-log.contract.ts';
import { simArchive } from './archive-store.ts';
import { blobs } from './blobs.ts';
import { simHost } from './event-log.ts';
import { calmWire } from './wire.ts';

// What the simulator puts in place of an object store and a broker keeps the laws of their ports.

archiveStoreContract('of the simulator', async () => {
  const memory = blobs();
  return {
    open: async () => simArchive({ blobs: memory, wire: calmWire, pageMax: 40 }),
    manyNames: 500,
    [Symbol.asyncDispose]: async () => undefined,
  };
});

eventLogContract('of the simulator', async () => {
  const host = simHost(calmWire);
  return {
    host,
    contiguous: true,
    async trim({ topic }, partition, before) {
      host.topics.get(topic)!.trim(partition, before);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
});
