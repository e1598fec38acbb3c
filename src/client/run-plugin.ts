import type { Plugin } from './sidecar.ts';
import { runSidecar } from './sidecar.ts';

/**
 * Runs a plugin as this process: its environment and output, SIGTERM and SIGINT to stop it, its exit code. A second signal
 * ends it at once.
 */
export async function runPlugin(plugin: Plugin, process: NodeJS.Process): Promise<void> {
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      if (stopping.signal.aborted) process.exit(130);
      stopping.abort(new DOMException(`stopped by ${name}`, 'AbortError'));
    });
  const { env, stdout, stderr } = process;
  process.exitCode = await runSidecar(plugin, { env, stdout, stderr, signal: stopping.signal });
}
