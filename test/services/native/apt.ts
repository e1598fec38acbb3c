import { isProgram, oneAtATime, runToEnd } from './commands.ts';

const installWaitMs = 300_000;
const inTurn = oneAtATime();

/**
 * Installs the first of `packages` that the system's package lists offer: only on a Debian-like system, as root.
 * Answers its name, or undefined where this machine cannot or offers none; fails when the installation fails.
 */
export function aptInstallFirst(packages: readonly string[]): Promise<string | undefined> {
  return inTurn(async () => {
    if (process.getuid?.() !== 0 || !isProgram('/usr/bin/apt-get')) return undefined;
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await runToEnd('/usr/bin/apt-get', ['update', '-qq'], { env, waitMs: installWaitMs });
    for (const name of packages) {
      const policy = await runToEnd('/usr/bin/apt-cache', ['policy', name], { waitMs: installWaitMs });
      if (!/Candidate: \d/.test(policy)) continue;
      const install = ['install', '-y', '-qq', '--no-install-recommends', name];
      await runToEnd('/usr/bin/apt-get', install, { env, waitMs: installWaitMs });
      return name;
    }
    return undefined;
  });
}
