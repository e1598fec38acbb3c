import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { datalakeFiles } from '../../samples/make-datalake.ts';

const root = join(import.meta.dirname, '../../samples/datalake');

test('the committed lake is what its script makes, and small', () => {
  const made = datalakeFiles();
  expect(datalakeFiles()).toEqual(made);
  const committed = globSync('**/*', { cwd: root }).filter((path) => statSync(join(root, path)).isFile());
  expect(committed.map((path) => path.replaceAll('\\', '/')).sort()).toEqual([...made.keys()].sort());
  let bytes = 0;
  for (const [path, content] of made) {
    expect(readFileSync(join(root, path), 'utf8'), path).toBe(content);
    bytes += Buffer.byteLength(content);
  }
  expect(bytes).toBeLessThan(300_000);
});
