import { readConfig } from '../../../src/apps/config.ts';
import { jsonLog, serve } from '../../../src/apps/serve.ts';

// `<how>`: what becomes of it as soon as it has something to archive after SIGUSR2. `defect`: an error that nobody expected; `rejection`: one that
// nobody listens to; `memory`: more than there is; `none`: it goes on. Says `{"address": …}` on its first line.
const [how] = process.argv.slice(2);
const held: unknown[] = [];
let isArmed = false;
process.once('SIGUSR2', () => {
  isArmed = true;
});

const probe = (): void => {
  if (!isArmed) return;
  if (how === 'defect') throw new Error('a defect');
  if (how === 'rejection') void Promise.reject(new Error('nobody listens'));
  while (how === 'memory') held.push(new Array(1_000_000).fill(held.length / 3));
};

const config = readConfig(process.env, {});
const serving = await serve(config, jsonLog(config.logLevel, process.stderr), {
  probes: { archiveProbe: probe },
});
process.stdout.write(`${JSON.stringify({ address: serving.address })}\n`);
process.once('SIGTERM', () => void serving[Symbol.asyncDispose]());
