import { isFault } from '../../domain/fault.ts';
import { type AnnalConfig, readConfig } from '../config.ts';
import { type Check, checked } from './check.ts';
import { exitCodes } from './exit-codes.ts';
import { problemOf } from './failure.ts';
import { painted, visible } from './print.ts';
import type { Run, Session } from './session.ts';

const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

/** One line a check, with what to do; ends with 1 if any failed. Changes nothing, but for empty containers of blobs. */
export const run: Run = async (session) => {
  const checks = [...(await aroundHere()), ...(await ofConfiguration(session))];
  if (session.output === 'json') await session.write(`${JSON.stringify({ items: checks })}\n`);
  else if (session.output === 'ndjson')
    for (const check of checks) await session.write(`${JSON.stringify(check)}\n`);
  else await session.write(lines(session, checks));
  const failed = checks.filter(({ status }) => status === 'fail').length;
  session.note(failed === 0 ? 'nothing has to be mended' : `${failed} of ${checks.length} checks failed`);
  return failed === 0 ? exitCodes.ok : exitCodes.failed;
};

const aroundHere = async (): Promise<readonly Check[]> => {
  const { nodeCheck } = await import('./doctor-machine.ts');
  return [nodeCheck()];
};

async function ofConfiguration(session: Session): Promise<readonly Check[]> {
  let config: AnnalConfig;
  try {
    config = readConfig(session.io.env, { data: session.data });
  } catch (error) {
    if (!isFault(error)) throw error;
    const { lines = [], doThis = '' } = problemOf(error);
    return lines.map((line) => ({ check: 'configuration', status: 'fail', detail: line, doThis }));
  }
  const { machineChecks, schemaChecks } = await import('./doctor-machine.ts');
  const { serverChecks } = await import('./doctor-servers.ts');
  return [
    { check: 'configuration', status: 'ok', detail: 'every setting can be used' },
    ...(await checked('machine', () => machineChecks(config))),
    ...(await checked('schemas', async () => schemaChecks(config))),
    ...(await serverChecks(config, session.io.env.ANNAL_TOKEN)),
  ];
}

function lines(session: Session, checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  return checks
    .flatMap(({ status, check, detail, doThis = '' }) => [
      `${painted(session, colours[status], status.padEnd(4))}  ${check.padEnd(width)}  ${visible(detail)}`,
      ...(doThis === '' ? [] : [`${' '.repeat(width + 8)}→ ${visible(doThis)}`]),
    ])
    .map((line) => `${line}\n`)
    .join('');
}
