import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The account and key that every Azurite has, as its documentation prints them.
const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const program = fileURLToPath(
  new URL('../../../node_modules/azurite/dist/src/blob/main.js', import.meta.url),
);

export interface Azurite extends AsyncDisposable {
  readonly connectionString: string;
  readonly port: number;
  /** Ends it; nobody answers on its port any more. */
  stop(): Promise<void>;
}

/** Azurite's blob service in memory, as a process of its own on a free port of the loopback address. */
export async function startAzurite(): Promise<Azurite> {
  const folder = await mkdtemp(join(tmpdir(), 'annal-azurite-'));
  const port = await freePort();
  const args = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--inMemoryPersistence', '--silent'];
  const child = spawn(process.execPath, [program, ...args, '--disableTelemetry', '--skipApiVersionCheck'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await listening(child);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    port,
    connectionString: connectionString(port),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true });
    },
  };
}

export const connectionString = (port: number): string =>
  `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};` +
  `BlobEndpoint=http://127.0.0.1:${port}/${account};`;

async function listening(child: ChildProcess): Promise<void> {
  const stop = new AbortController();
  try {
    const ended = once(child, 'exit', { signal: stop.signal }).then(() => {
      throw new Error('azurite ended before it listened');
    });
    let said = '';
    const said_ = (async () => {
      for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
        said += String(chunk);
        if (said.includes('successfully listens')) return;
      }
    })();
    await Promise.race([ended, said_]);
  } finally {
    stop.abort();
  }
  child.stdout!.resume();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
