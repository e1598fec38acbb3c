import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCli } from './cli-server.ts';

/** `annal start` in this process, empty, in a folder of its own that is gone at the end. */
export interface ServedFolder extends AsyncDisposable {
  readonly address: string;
  readonly folder: string;
}

export async function servedFolder(env: Readonly<Record<string, string>> = {}): Promise<ServedFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'annal-served-'));
  const data = join(folder, 'data');
  const words = ['start', '--port', '0', '--no-sample', '--data', data];
  const server = await startCli(words, { ANNAL_PARTITIONS: '2', ...env });
  return {
    ...{ address: server.address, folder },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
