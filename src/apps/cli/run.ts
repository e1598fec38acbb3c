import { type Role, readConfig } from '../config.ts';
import { finishAdoption } from '../sample.ts';
import { jsonLog, serve } from '../serve.ts';
import { drain } from './drain.ts';
import { usage } from './failure.ts';
import { type Run, textOf } from './session.ts';
import { untilStopped } from './until-stopped.ts';

const parts = ['archiver', 'projector', 'api', 'catalog'] as const satisfies readonly Role[];

/** One part as a process of its own, until it is stopped. Every part listens, for health and metrics. */
export const run: Run = async (session, [asked], options) => {
  const role = parts.find((part) => part === asked);
  if (role === undefined)
    throw usage(`${JSON.stringify(asked)} is no part`, `The parts are ${parts.join(', ')}.`);
  const { env, stderr, signal } = session.io;
  const config = readConfig(env, { data: session.data, port: textOf(options, 'port'), role });
  const serving = await serve(config, jsonLog(config.logLevel, stderr), {
    patience: signal,
    prepare: async (ports) => {
      await finishAdoption(ports, config);
    },
  });
  const line =
    session.output === 'table'
      ? `annal ${role} at ${serving.address}`
      : JSON.stringify({ role, address: serving.address, pid: process.pid });
  try {
    await session.write(`${line}\n`);
    await untilStopped(signal);
  } catch (error) {
    await serving[Symbol.asyncDispose]();
    throw error;
  }
  return drain(serving, config.graceMs, stderr);
};
