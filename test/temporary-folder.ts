import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memory = '/dev/shm';
const freeBytesMin = 2 * 1024 ** 3;

/** Where a machine lends memory as a folder, files of tests live there: what survives a crash is tried on a disk that loses things. */
async function place(): Promise<string> {
  const found = await statfs(memory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  return found !== undefined && found.bavail * found.bsize >= freeBytesMin ? memory : tmpdir();
}

/** One folder for all that unit tests leave while they run; gone with them. */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(await place(), 'annal-unit-'));
  process.env.TMPDIR = folder;
  return () => rm(folder, { recursive: true, force: true });
}
