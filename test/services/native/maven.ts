import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptInstallFirst } from './apt.ts';
import { oneAtATime, onPath, runToEnd } from './commands.ts';
import { findJdk } from './java.ts';
import { startReaper } from './reaper.ts';

/** Servers that come from Maven packages; each has a folder here with its pom.xml. */
export type MavenServer = 'kafka' | 'elasticsearch' | 'registry';

const fetchWaitMs = 600_000;
const fetchTriesMax = 3;
const here = fileURLToPath(new URL('.', import.meta.url));
const cache = fileURLToPath(new URL('../../../.services', import.meta.url));
// Two Maven processes may damage each other's local repository; one after the other costs two seconds.
const inTurn = oneAtATime();

const pomOf = (server: MavenServer): string => join(here, server, 'pom.xml');

/** The version that the server's pom.xml pins; the container route uses the same one. */
export async function pinnedVersion(server: MavenServer): Promise<string> {
  const version = /<server\.version>([^<]+)</.exec(await readFile(pomOf(server), 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${pomOf(server)} has no server.version`);
  return version;
}

/**
 * Folder with what `goal` of maven-dependency-plugin fetches for this server's pom.xml, then completed once by `finish`.
 * It is kept in `.services` (outside git) under a hash of the pom and `also`; a half-made one is never seen.
 */
export async function fetched(
  server: MavenServer,
  goal: 'copy-dependencies' | 'unpack-dependencies',
  { also = '', finish }: { also?: string; finish?: (folder: string) => Promise<void> } = {},
): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(pomOf(server)))
    .update(also)
    .digest('hex');
  const folder = join(cache, `${server}-${hash.slice(0, 12)}`);
  return inTurn(async () => {
    if (existsSync(folder)) return folder;
    await mkdir(cache, { recursive: true });
    const partial = await mkdtemp(join(cache, '.partial-'));
    const reaper = startReaper(partial);
    try {
      await runMaven(pomOf(server), goal, partial);
      await finish?.(partial);
      await rename(partial, folder);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      // Another run may have been first; its folder is as good.
      if (!existsSync(folder)) throw error;
    } finally {
      reaper.done();
    }
    return folder;
  });
}

async function runMaven(pom: string, goal: string, folder: string): Promise<void> {
  const { home } = await findJdk(17);
  const mvn = onPath('mvn') ?? ((await aptInstallFirst(['maven'])) && onPath('mvn'));
  if (!mvn)
    throw new Error('Maven is needed to fetch this server: install the package `maven` (command `mvn`).');
  // The plugin's own markers would stand beside the pom and say "unpacked" of a folder that is gone.
  const folders = [`-DoutputDirectory=${folder}`, `-DmarkersDirectory=${join(folder, '.markers')}`];
  const args = ['-q', '-B', '-Dstyle.color=never', '-f', pom, `dependency:${goal}`, ...folders];
  for (let tries = 1; ; tries++) {
    try {
      await runToEnd(mvn, args, { env: { JAVA_HOME: home }, waitMs: fetchWaitMs });
      return;
    } catch (error) {
      if (tries === fetchTriesMax) throw error;
    }
  }
}
