import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Threads and processes that tests start read TypeScript; compiled once, as `bin/annal.js` has it.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/annal', import.meta.url));

// `unit` needs nothing but Node; `foreign` needs Go, and `services` real servers: both are started by a run.ts of their own.
/** What is waited for comes in its own time on a busy machine; the default of 1 s is for a quiet one. */
const expected = { poll: { timeout: 15_000 } };

export default defineConfig({
  test: {
    // One more than there are cores: tests often wait for a disk, a browser, a clock.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/services/**', 'test/foreign/**'],
          globalSetup: ['test/temporary-folder.ts'],
          // Files share a process and its modules: starting both anew for each took a fifth of the time.
          isolate: false,
          expect: expected,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'foreign',
          include: ['test/foreign/**/*.test.ts'],
          expect: expected,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'services',
          include: ['test/services/**/*.test.ts'],
          fileParallelism: false,
          expect: expected,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
