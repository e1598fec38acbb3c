import { execFile } from 'node:child_process';
import { copyFile, cp, lstat, mkdir, readdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Git looks for a repository in `tree` alone: within another one it would pass over patches without a word. */
const within = (tree: string) => ({
  cwd: tree,
  env: { ...process.env, GIT_CEILING_DIRECTORIES: dirname(tree) },
  maxBuffer: 64 * 1024 * 1024,
});

/** Copies what git knows of `root`, or would: as it lies there now, committed or not. */
export async function copyOfRepository(root: string, to: string): Promise<void> {
  const known = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { stdout } = await run('git', known, within(root));
  for (const path of stdout.split('\0').filter((name) => name !== '')) {
    const from = join(root, path);
    const found = await lstat(from).catch(onlyMissing);
    if (found?.isFile() !== true) continue;
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(from, join(to, path));
  }
  await linkPackages(join(root, 'node_modules'), join(to, 'node_modules'));
}

/** Another tree of the same content. */
export const copyOfTree = (tree: string, to: string): Promise<void> =>
  cp(tree, to, { recursive: true, verbatimSymlinks: true });

/** Link by link, not as a whole: what a run caches beside its packages stays in the copy. */
async function linkPackages(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from))
    if (entry === '.bin' || !entry.startsWith('.')) await symlink(join(from, entry), join(to, entry));
}

function onlyMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

/** Why a patch does not apply to `tree`; undefined where it does. With `apply` it then is applied. */
export async function patchFault(
  tree: string,
  patch: string,
  how: 'check' | 'apply',
): Promise<string | undefined> {
  try {
    await run('git', ['apply', ...(how === 'check' ? ['--check'] : []), patch], within(tree));
    return undefined;
  } catch (error) {
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string };
    if (typeof code !== 'number') throw error;
    return stderr?.trim() ?? `git apply ended with ${code}`;
  }
}
