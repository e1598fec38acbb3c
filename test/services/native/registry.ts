import { join } from 'node:path';
import { findJdk } from './java.ts';
import { fetched } from './maven.ts';
import type { NativeRecipe } from './recipe.ts';

/** Apicurio Registry from its Maven distribution. Its schemas live in memory: a kill loses them. */
export const registry: NativeRecipe = {
  portsCount: 2,
  async prepare() {
    const { home } = await findJdk(21);
    const distribution = await fetched('registry', 'unpack-dependencies');
    return async ({ ports: [port, managementPort], options }) => ({
      address: `http://127.0.0.1:${port}/apis/ccompat/v7`,
      command: {
        program: join(home, 'bin', 'java'),
        args: [
          `-Xmx${options.heapMiB ?? 512}m`,
          '-Dquarkus.http.host=127.0.0.1',
          `-Dquarkus.http.port=${port}`,
          `-Dquarkus.management.port=${managementPort}`,
          ...['-jar', 'quarkus-run.jar'],
        ],
        cwd: distribution,
      },
    });
  },
};
