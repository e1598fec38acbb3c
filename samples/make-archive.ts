import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { archiveFiles } from './story/archive-files.ts';
import { tellStory } from './story/story.ts';

/**
 * The sample archive: eighteen months of a made-up company as an archive in a folder, by path below it. Seeded and
 * without a clock: the same bytes every time. samples/README.md tells what is in it.
 */
export const sampleFiles = (): ReadonlyMap<string, Buffer> => archiveFiles(tellStory());

if (import.meta.main) {
  const root = join(import.meta.dirname, 'archive');
  rmSync(root, { recursive: true, force: true });
  let bytes = 0;
  for (const [path, content] of sampleFiles()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    bytes += content.length;
  }
  process.stderr.write(`samples/archive: ${(bytes / 1_000_000).toFixed(2)} MB\n`);
}
