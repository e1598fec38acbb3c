// What kafkajs alone takes to fetch a topic: no decoding, nothing written, no offset committed. Prints one JSON line.
import { Kafka } from 'kafkajs';

const { BENCH_KAFKA = '', BENCH_TOPIC = '', BENCH_EVENTS = '' } = process.env;
const consumer = new Kafka({ brokers: BENCH_KAFKA.split(','), logLevel: 0 }).consumer({
  groupId: `${BENCH_TOPIC}-raw-${process.pid}`,
  maxBytesPerPartition: 4 * 1024 * 1024,
  maxBytes: 16 * 1024 * 1024,
});
await consumer.connect();
await consumer.subscribe({ topic: BENCH_TOPIC, fromBeginning: true });
const all = Promise.withResolvers<void>();
let events = 0;
const started = performance.now();
await consumer.run({
  partitionsConsumedConcurrently: 32,
  autoCommit: false,
  eachBatch: async ({ batch }) => {
    events += batch.messages.length;
    if (events >= Number(BENCH_EVENTS)) all.resolve();
  },
});
await all.promise;
const seconds = (performance.now() - started) / 1_000;
await consumer.disconnect();
console.log(JSON.stringify({ events, seconds, rssMiB: process.resourceUsage().maxRSS / 1_024 }));
