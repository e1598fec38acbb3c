import { localFiles } from '../../adapters/scan/local-files.ts';
import { readConfig } from '../config.ts';
import { jsonLog, type Serving } from '../serve.ts';
import { type Scanned, start } from '../standalone/start.ts';
import { drain } from './drain.ts';
import { injectCall } from './inject-call.ts';
import { summary } from './scan.ts';
import { changesToSend, scanAndPlan, shows } from './scan-into.ts';
import { sendEvents } from './send-events.ts';
import { type Run, textOf } from './session.ts';
import { untilStopped } from './until-stopped.ts';

/**
 * Everything in one process, until it is stopped. What it says goes to stdout; under `--output json` that is one line
 * `{address, data, pid}` once it serves, and the rest goes to stderr.
 */
export const run: Run = async (session, _args, options) => {
  const { signal, env, stderr } = session.io;
  const config = readConfig(env, { data: session.data, port: textOf(options, 'port') });
  const print = (line: string): void => {
    if (session.output === 'table') session.io.stdout.write(`${line}\n`);
    else session.note(line);
  };
  const serving = await start({
    config,
    sample: options.sample !== false,
    log: jsonLog(config.logLevel, stderr),
    print,
    scan: (served, folder) => scanned(served, folder, signal),
    signal,
  });
  try {
    if (session.output !== 'table')
      await session.write(
        `${JSON.stringify({ address: serving.address, data: config.dataDir, pid: process.pid })}\n`,
      );
    await untilStopped(signal);
    print('Stopping: what was taken in is being written; press Ctrl-C again to leave at once.');
  } catch (error) {
    await serving[Symbol.asyncDispose]();
    throw error;
  }
  return drain(serving, config.graceMs, stderr);
};

async function scanned({ api }: Serving, dir: string, signal: AbortSignal): Promise<Scanned> {
  const call = injectCall(api, signal);
  const found = await scanAndPlan(call, { dir, tree: () => localFiles(dir), signal });
  const positions: string[] = [];
  for await (const sent of sendEvents(call, changesToSend(found.plan.changes), signal))
    positions.push(...sent.flatMap(({ position }) => position ?? []));
  await shows(call, positions, signal);
  return { summary: summary(found) };
}
