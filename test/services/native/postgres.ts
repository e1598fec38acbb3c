import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { aptInstallFirst } from './apt.ts';
import { isProgram, onPath } from './commands.ts';
import { freePorts } from './ports.ts';
import { startReaper } from './reaper.ts';

/** A PostgreSQL of a test's own, empty, on 127.0.0.1, in a folder that is gone at the end. */
export interface Postgres extends AsyncDisposable {
  /** Of the database `postgres`, for its owner. */
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

const debianFolder = '/usr/lib/postgresql';
const startMs = 60_000;

/** Folder of initdb and postgres: PATH, else where Debian puts the newest, else what apt installs (Debian, root). */
async function programs(): Promise<string> {
  const installed = (): string | undefined => {
    const path = onPath('initdb');
    if (path !== undefined && isProgram(join(path, '..', 'postgres'))) return join(path, '..');
    if (!existsSync(debianFolder)) return undefined;
    const versions = readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a));
    return versions
      .map((version) => join(debianFolder, version, 'bin'))
      .find((bin) => isProgram(join(bin, 'initdb')));
  };
  const found = installed();
  if (found !== undefined) return found;
  await aptInstallFirst(['postgresql-17', 'postgresql-15', 'postgresql']);
  const added = installed();
  if (added === undefined)
    throw new Error('PostgreSQL is needed (initdb and postgres on PATH) and none was found');
  return added;
}

/** It refuses to run as root: then as its own user, or as nobody. */
function somebody(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('there is no user postgres or nobody to run PostgreSQL as');
}

export async function startPostgres(): Promise<Postgres> {
  const bin = await programs();
  const user = somebody();
  // Another user gets nowhere below a temporary folder that is ours alone.
  const folder = await mkdtemp(join(user === undefined ? tmpdir() : '/tmp', 'annal-postgres-'));
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const reaper = startReaper(folder);
  const data = join(folder, 'data');
  const run = (program: string, args: readonly string[]): ChildProcess & { readonly said: () => string } => {
    const options = { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] as const, detached: true, ...user };
    const child = spawn(join(bin, program), args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    return Object.assign(child, { said: () => said });
  };
  const ended = (child: ChildProcess): Promise<number | null> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
      child.once('exit', resolve);
    });
  const init = run('initdb', [
    '-D',
    data,
    '-U',
    'annal',
    '--auth=trust',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C',
  ]);
  if ((await ended(init)) !== 0) throw new Error(`initdb failed: ${init.said()}`);
  const [port] = await freePorts(1);
  let server: ReturnType<typeof run> | undefined;

  async function start(): Promise<void> {
    const settings = [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'fsync=off',
      'shared_buffers=16MB',
    ];
    const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
    const child = run('postgres', args);
    server = child;
    reaper.watch(child.pid);
    for (const endMs = performance.now() + startMs; !/ready to accept connections/.test(child.said()); ) {
      if (child.exitCode !== null || performance.now() > endMs)
        throw new Error(`postgres did not start: ${child.said()}`);
      await pause(20);
    }
  }
  async function stop(): Promise<void> {
    const child = server;
    server = undefined;
    reaper.watch(undefined);
    if (child === undefined) return;
    // Fast shutdown: whoever is connected is sent away.
    child.kill('SIGINT');
    await ended(child);
  }
  await start();
  return {
    ...{ url: `postgres://annal@127.0.0.1:${port}/postgres`, start, stop },
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      reaper.done();
    },
  };
}
