import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const module = fileURLToPath(new URL('../../src/apps/give-way.ts', import.meta.url));
/** The 19th field of `stat`, by thread; the name before it stands in parentheses. */
const program = `
  const { giveWay } = await import(${JSON.stringify(module)});
  const { readdirSync, readFileSync } = await import('node:fs');
  giveWay();
  const fields = (task) => readFileSync('/proc/self/task/' + task + '/stat', 'latin1').split(') ').at(-1);
  const nice = (task) => fields(task).split(' ')[16];
  process.stdout.write(JSON.stringify(readdirSync('/proc/self/task').map(nice)));
`;

test.skipIf(process.platform !== 'linux')(
  'a process that gives way does so with all its threads, those that Node began itself too',
  () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });
    const threads = JSON.parse(stdout || stderr) as string[];
    expect(threads.length).toBeGreaterThan(1);
    expect(threads).toEqual(threads.map(() => String(constants.priority.PRIORITY_BELOW_NORMAL)));
  },
);
