import { readFileSync } from 'node:fs';
import { BlobServiceClient } from '@azure/storage-blob';
import { expect, test } from 'vitest';
import { startProxy } from '../../adapters/azure-blob/proxy.ts';
import { plainLane } from '../../given/plain-archive.ts';
import { countKill } from '../kill-count.ts';
import { annal, startAnnal, startServing } from './annal-process.ts';
import { readBlobs } from './blobs.ts';
import { tableEvents } from './events.ts';
import { type OwnProfile, ownProfile } from './own-profile.ts';
import { readTopic } from './plain-readers.ts';
import { archived, eventually } from './progress.ts';

const perRequest = 100;
const program = 'test/services/scenarios/stopping-process.ts';

/** Whether the system says that a process is stopped. */
const isStopped = (pid: number): boolean => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** ETags of all that stands for ever. */
async function truthOf({ servers, name }: OwnProfile): Promise<ReadonlyMap<string, string>> {
  const container = BlobServiceClient.fromConnectionString(servers.blobConnectionString).getContainerClient(
    `${name}-archive`,
  );
  const etags = new Map<string, string>();
  for await (const blob of container.listBlobsFlat()) etags.set(blob.name, blob.properties.etag);
  return etags;
}

// An archiver stops in the middle of a write, for longer than its group waits for it; another takes its lane over and goes on,
// seals included; then the first one wakes up and finishes what it was about to do.
test.concurrent.each([
  ['before-flush:2', 'its tail is another one by now'],
  ['before-seal:1', 'its segment may be there, shorter or longer'],
  ['after-seal:1', 'its trim is late'],
])('an archiver that sleeps at %s and wakes after another took over: %s, and each offset is archived once', async (point) => {
  await using profile = await ownProfile({
    ANNAL_ARCHIVE_SEAL_BYTES: '24KiB',
    ANNAL_ARCHIVE_FLUSH_BYTES: '8KiB',
    ANNAL_LOG_LEVEL: 'debug',
  });
  const { env, name, servers } = profile;
  // The store's own would drop the sleeper's connection, and with it the late write that this is about.
  const [, port] = /:(\d+)\//.exec(servers.blobConnectionString.split('BlobEndpoint=')[1]!)!;
  await using way = await startProxy(Number(port), { patient: true });
  const late = servers.blobConnectionString.replace(`:${port}/`, `:${way.port}/`);
  expect(await annal(['init', '--partitions', '1'], env)).toMatchObject({ code: 0 });
  await using api = await startAnnal(['run', 'api'], env);
  let count = 0;
  const publish = async (): Promise<void> => {
    const { body } = await api.call('POST', '/v1/events', tableEvents(perRequest, count));
    expect(body).toMatchObject({ appended: perRequest });
    count += perRequest;
  };
  await using sleeper = await startServing(program, ['archiver', point], {
    ...env,
    ANNAL_BLOB_CONNECTION_STRING: late,
  });
  await eventually('the sleeper asleep', 60_000, async () => {
    if (isStopped(sleeper.pid)) return true;
    await publish();
    return undefined;
  });
  countKill('SIGSTOP', `archiver ${point}`);
  await using other = await startAnnal(['run', 'archiver'], env);
  await publish();
  await archived(api);
  const before = await truthOf(profile);
  const said = sleeper.stderr().length;

  process.kill(sleeper.pid, 'SIGCONT');
  await publish();
  await eventually('the sleeper gave way', 60_000, async () =>
    sleeper.stderr().slice(said).includes('"archive yielded"') ? true : undefined,
  );
  await publish();
  await archived(api);
  expect(await other.stop()).toMatchObject({ code: 0 });
  expect(await sleeper.stop()).toMatchObject({ code: 0 });
  await api.stop();

  const after = await truthOf(profile);
  for (const [blob, etag] of before) expect(after.get(blob), blob).toBe(etag);
  const blobs = {
    truth: await readBlobs(servers.blobConnectionString, `${name}-archive`),
    state: await readBlobs(servers.blobConnectionString, `${name}-state`),
  };
  const { records, segments, faults } = plainLane(blobs, { topic: name, epoch: 1, partition: 0 });
  expect(faults).toEqual([]);
  expect(segments).toBeGreaterThan(0);
  const [log] = await readTopic(servers, `${name}.e1`);
  expect(log).toHaveLength(count);
  expect(records.map(({ offset, value }) => [offset, Buffer.from(value!)])).toEqual(
    log!.map(({ offset, value }) => [offset, value]),
  );
}, 120_000);
