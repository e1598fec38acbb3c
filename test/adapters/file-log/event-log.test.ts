import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileLogHost } from '../../../src/adapters/file-log/event-log.ts';
import { eventLogContract } from '../../contracts/event-log.contract.ts';

const underTest = (segmentBytesMax: number | undefined) => async () => {
  const dir = await mkdtemp(join(tmpdir(), 'annal-file-log-'));
  const host = fileLogHost({ dir, ...(segmentBytesMax === undefined ? {} : { segmentBytesMax }) });
  return {
    host,
    contiguous: true,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    },
  };
};

eventLogContract('files of 64 MiB', underTest(undefined));

// A file per append, so that the log can forget up to any append.
eventLogContract('a file per append', async () => {
  const under = await underTest(1)();
  return {
    ...under,
    async trim(topic, partition, before) {
      await using log = await under.host.open(topic);
      await log.removeBefore(partition, before);
    },
  };
});
