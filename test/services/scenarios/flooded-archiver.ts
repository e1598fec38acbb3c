import { folderArchive } from '../../../src/adapters/folder/archive-store.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../../src/domain/event.ts';
import type { ArchiveStore } from '../../../src/ports/archive.ts';
import type { EventLog } from '../../../src/ports/event-log.ts';
import { archiveLimits } from '../../../src/streams/archive-lane.ts';
import { startArchiver } from '../../../src/streams/archiver.ts';

// `<folder> <MiB> <lanes>`: archives so much from a log that gives as fast as it is asked into a store that writes 20 ms late.
// Says `{pulls, slowWrites, rssMiB}`.
const [dir = '', mebibytes = '', lanes = ''] = process.argv.slice(2);
const partitions = Number(lanes);
const valueBytes = 16 * 1024;
const batchRecords = 64;
const end = Math.ceil((Number(mebibytes) * 1024 * 1024) / valueBytes / partitions);
let pulls = 0;
let slowWrites = 0;

const recordAt = (offset: number): LogRecord => ({
  ...{ offset, appendTime: 1_763_600_000_000 + offset, key: null, headers: [] },
  value: Buffer.alloc(valueBytes, offset % 251),
});

/** All records are there from the start: whoever asks gets a batch at once. */
const log: EventLog = {
  ...{ epoch: 1, partitions },
  append: () => Promise.reject(new Error('nobody appends here')),
  bounds: async () => Array.from({ length: partitions }, () => ({ first: 0, end })),
  reader: async () => ({
    async *assignments(signal) {
      yield new Set(Array.from({ length: partitions }, (_, partition) => partition));
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
    lane(partition, from) {
      let next = from;
      return {
        partition,
        async pull(signal) {
          if (next >= end) await new Promise((_, reject) => signal.addEventListener('abort', reject));
          pulls += 1;
          const first = next;
          next = Math.min(end, next + batchRecords);
          return { records: Array.from({ length: next - first }, (_, n) => recordAt(first + n)), end };
        },
      };
    },
    [Symbol.asyncDispose]: async () => undefined,
  }),
  [Symbol.asyncDispose]: async () => undefined,
};

await using inner = folderArchive({ dir });
const late =
  <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
  async (...args: Args): Promise<Result> => {
    slowWrites += 1;
    await systemClock.wait(20);
    return call(...args);
  };
const store: ArchiveStore = {
  ...inner,
  truth: { ...inner.truth, create: late(inner.truth.create) },
  state: { ...inner.state, append: late(inner.state.append), write: late(inner.state.write) },
};
const archiver = startArchiver({
  ...{ store, log, clock: systemClock, name: 'annal', group: 'flood', retryMs: 100 },
  limits: { ...archiveLimits, sealBytes: 8 * 1024 * 1024, flushBytes: 1024 * 1024 },
  onNotice: () => undefined,
});
await archiver.reach(new Array<number>(partitions).fill(end), AbortSignal.timeout(120_000));
await archiver.stop();
const rssMiB = process.resourceUsage().maxRSS / 1_024;
process.stdout.write(`${JSON.stringify({ pulls, slowWrites, rssMiB })}\n`);
