import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectionFrom } from '../../src/apps/projection-file.ts';
import { entities } from '../../src/projections/entities.ts';
import { root } from '../architecture/tree.ts';

let dir: string;
beforeAll(() => {
  // Below the repository, so that files import what the program has as somebody would who works on it.
  dir = mkdtempSync(join(root, 'node_modules', '.projections-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const file = join(dir, name);
  writeFileSync(file, text);
  return file;
}

const from = "import { entities } from '../../src/projections/entities.ts';\n";

test('a file gives its default export', async () => {
  expect((await projectionFrom(join(root, 'samples/projections/entities.ts'))).definition).toEqual(
    entities.definition,
  );
  const own = written('own.mjs', `${from}export default { ...entities, about: 'mine' };\n`);
  expect((await projectionFrom(own)).about).toBe('mine');
});

const whole = 'export default { ...entities, ';
test.each([
  ['no such file', 'none.mjs', undefined, 'there is no'],
  ['no module', 'x.json', '{}', 'not one of .ts .mts .js .mjs'],
  ['not JavaScript', 'broken.mjs', 'export default {', 'SyntaxError'],
  ['no default export', 'nothing.mjs', 'export const a = 1;\n', 'no default export'],
  ['another type', 'number.mjs', 'export default 7;\n', 'is no projection'],
  ['no name', 'name.mjs', `${from}${whole}definition: { projection: 'A b' } };\n`, 'definition.projection'],
  [
    'no version',
    'version.mjs',
    `${from}${whole}definition: { ...entities.definition, version: 1.5 } };\n`,
    'definition.version',
  ],
  [
    'a kind there is not',
    'kind.mjs',
    `${from}${whole}definition: { ...entities.definition, fields: { a: 'text' } } };\n`,
    'definition.fields.a',
  ],
  [
    'a name that no index can have',
    'versioned.mjs',
    `${from}${whole}definition: { ...entities.definition, projection: 'entities-v2' } };\n`,
    'definition.projection',
  ],
  [
    'a field that no index can have',
    'field.mjs',
    `${from}${whole}definition: { ...entities.definition, fields: { 'a b': 'keyword' } } };\n`,
    '"a b"',
  ],
  ['it brings what reads records', 'folding.mjs', `${from}${whole}folding: {} };\n`, 'folding'],
  ['no function', 'drafts.mjs', `${from}${whole}drafts: [] };\n`, 'drafts has to be a function'],
  ['it throws', 'throws.mjs', "throw new Error('not today');\n", 'not today'],
  ['it reads files', 'fs.mjs', `import 'node:fs';\n${from}export default entities;\n`, 'imports node:fs'],
  ['it has a library', 'library.mjs', `import 'rxjs';\n${from}export default entities;\n`, 'imports rxjs'],
  [
    'it sees another room',
    'room.mjs',
    "import '../../src/streams/drain.ts';\nexport default 1;\n",
    'is of streams',
  ],
  [
    'it loads later',
    'later.mjs',
    `${from}export default (await import('./own.mjs')).default;\n`,
    'loads modules',
  ],
  ['what it imports is gone', 'gone.mjs', "import './nowhere.mjs';\nexport default 1;\n", 'there is no'],
])('%s: it says so', async (_, name, text, reason) => {
  const file = text === undefined ? join(dir, name) : written(name, text);
  await expect(projectionFrom(file)).rejects.toMatchObject({
    code: 'PROJECTION_INVALID',
    facts: { file, reason: expect.stringContaining(reason) },
  });
});
