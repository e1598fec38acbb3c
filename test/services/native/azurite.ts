import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blobConnectionString } from '../server-settings.ts';
import type { NativeRecipe } from './recipe.ts';

const program = fileURLToPath(
  new URL('../../../node_modules/azurite/dist/src/blob/main.js', import.meta.url),
);

/** The blob service of Azurite, from this project's own development dependencies. */
export const azurite: NativeRecipe = {
  portsCount: 1,
  prepare:
    async () =>
    async ({ folder, ports, options }) => {
      const port = ports[0]!;
      const data = join(folder, 'data');
      await mkdir(data);
      const persistence = options.keepsBlobs ? ['--location', data] : ['--inMemoryPersistence'];
      return {
        address: blobConnectionString('127.0.0.1', port),
        command: {
          program: process.execPath,
          args: [
            program,
            ...['--blobHost', '127.0.0.1', '--blobPort', String(port), ...persistence],
            ...['--silent', '--disableTelemetry', '--skipApiVersionCheck'],
          ],
          cwd: folder,
        },
      };
    },
};
