import { type Role, readConfig } from '../../../src/apps/config.ts';
import { jsonLog, serve } from '../../../src/apps/serve.ts';

// `<part> <point>:<n>` dies at the n-th time that the point is passed, `<part> none` does not. Says `working` on stdout once
// any point was passed.
const [role, at] = process.argv.slice(2) as [Role, string];
const [crashPoint, nth] = at.split(':');
let passed = 0;
let working = false;

const probe = (point: string): void => {
  if (!working) process.stdout.write('working\n');
  working = true;
  if (point !== crashPoint) return;
  passed += 1;
  if (passed === Number(nth)) process.kill(process.pid, 'SIGKILL');
};

const config = readConfig(process.env, { role });
await serve(config, jsonLog(config.logLevel, process.stderr), {
  probes: { archiveProbe: probe, projectProbe: probe },
});
