import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runToEnd } from '../services/native/commands.ts';
import { again, findGo } from './go.ts';

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const [root, source, cache] = [folder('../..'), folder('./checker'), folder('../../.services')];
const waitMs = 600_000;

/** The checker, built once for its source: kept in `.services`, outside git. */
async function checker(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(source, file)));
  const program = join(cache, `checker-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const { program: go, env } = await findGo();
  const built = `${program}.${process.pid}`;
  const args = ['build', '-C', source, '-buildvcs=false', '-o', built, '.'];
  await again(() => runToEnd(go, args, { waitMs, env: { ...env, CGO_ENABLED: '0', GOWORK: 'off' } }));
  renameSync(built, program);
  return program;
}

const begun = performance.now();
const env = { ...process.env, ANNAL_TEST_CHECKER: await checker() };
process.stdout.write(`checker ready after ${((performance.now() - begun) / 1_000).toFixed(1)} s\n`);
const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'foreign'];
const child = spawn(process.execPath, [...args, ...process.argv.slice(2)], {
  cwd: root,
  env,
  stdio: 'inherit',
});
child.once('error', (error) => {
  throw error;
});
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
