import { type Role, readConfig } from '../../../src/apps/config.ts';
import { jsonLog, serve } from '../../../src/apps/serve.ts';

// `<part> <point>:<n>` stops itself (SIGSTOP) at the n-th time that the point is passed, and goes on when somebody sends SIGCONT.
// Says `{"address": …}` on its first line, and ends in order on SIGTERM.
const [role, at] = process.argv.slice(2) as [Role, string];
const [stopPoint, nth] = at.split(':');
let passed = 0;

const probe = (point: string): void => {
  if (point !== stopPoint) return;
  passed += 1;
  if (passed === Number(nth)) process.kill(process.pid, 'SIGSTOP');
};

const config = readConfig(process.env, { role });
const serving = await serve(config, jsonLog(config.logLevel, process.stderr), {
  probes: { archiveProbe: probe, projectProbe: probe },
});
process.stdout.write(`${JSON.stringify({ address: serving.address })}\n`);
process.once('SIGTERM', () => void serving[Symbol.asyncDispose]());
