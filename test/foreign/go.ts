import { chmodSync, readdirSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { aptInstallFirst } from '../services/native/apt.ts';
import { isProgram, onPath, runToEnd } from '../services/native/commands.ts';

/** A Go that builds the checker, and what it has to be told. */
export interface Go {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Fetched as a Go module where the system's Go is older than toolchains that fetch themselves. */
const toolchain = 'go1.24.11';
const waitMs = 600_000;
const triesMax = 3;
const usual = ['/usr/local/go/bin/go', '/usr/lib/go/bin/go', '/usr/bin/go'];

async function versionOf(program: string): Promise<readonly [number, number]> {
  const told = await runToEnd(program, ['version'], { waitMs, env: { GOTOOLCHAIN: 'local' } });
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(told) ?? [];
  if (major === undefined) throw new Error(`${program} version: ${told}`);
  return [Number(major), Number(minor)];
}

/** From 1.21 on a Go fetches by itself the newer one that a module asks for. */
const fetchesItself = ([major, minor]: readonly [number, number]): boolean =>
  major > 1 || (major === 1 && minor >= 21);

/**
 * Go from PATH or its usual places, else from Debian's packages (as root); one that is too old fetches a newer one as a module,
 * checked by Go's checksum database. Fails where none of this works.
 */
export async function findGo(): Promise<Go> {
  const found =
    onPath('go') ?? usual.find(isProgram) ?? ((await aptInstallFirst(['golang-go'])) && onPath('go'));
  if (!found) throw new Error('Go is needed: install it, or run this as root where apt-get is.');
  return fetchesItself(await versionOf(found)) ? { program: found, env: {} } : newer(found);
}

async function newer(go: string): Promise<Go> {
  const target = `${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`;
  const module = `golang.org/toolchain@v0.0.1-${toolchain}.${target}`;
  const told = await again(() =>
    runToEnd(go, ['mod', 'download', '-json', module], { waitMs, env: { GOFLAGS: '-mod=mod' } }),
  );
  const { Dir: root } = JSON.parse(told.slice(told.indexOf('{'))) as { Dir: string };
  // Files of a module are not executable.
  for (const folder of ['bin', `pkg/tool/${target.replace('-', '_')}`])
    for (const file of readdirSync(join(root, folder))) chmodSync(join(root, folder, file), 0o755);
  return { program: join(root, 'bin', 'go'), env: { GOROOT: root, GOTOOLCHAIN: 'local' } };
}

/** Networks fail now and then. */
export async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === triesMax) throw error;
    }
  }
}
