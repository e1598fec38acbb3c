import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A copy of the program in which `entities` has a next version, as the file of `test/given` has it. */
export interface NextRelease extends Disposable {
  /** Its command line, as a program to start. */
  readonly main: string;
}

export function nextRelease(): NextRelease {
  const dir = mkdtempSync(join(tmpdir(), 'annal-release-'));
  for (const name of ['src', 'schemas', 'package.json'])
    cpSync(join(root, name), join(dir, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  const projections = join(dir, 'src/projections');
  renameSync(join(projections, 'entities.ts'), join(projections, 'entities-before.ts'));
  const text = readFileSync(join(root, 'test/given/entities-v2.ts'), 'utf8')
    .replaceAll('../../src/projections/entities.ts', './entities-before.ts')
    .replaceAll('../../src/projections/', './')
    .replaceAll('../../src/', '../');
  const next = text.replace('export default entitiesV2;', 'export { entitiesV2 as entities };');
  if (next === text) throw new Error('test/given/entities-v2.ts has another export');
  writeFileSync(join(projections, 'entities.ts'), next);
  return {
    main: join(dir, 'src/apps/cli/main.ts'),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}
