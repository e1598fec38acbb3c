import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { readOwner, takeOwnerLock } from '../../adapters/file-log/owner-lock.ts';
import { isFault } from '../../domain/fault.ts';
import { loadAspectSchemas } from '../../intake/aspect-schemas.ts';
import { loadEntityTypes } from '../../intake/entity-types.ts';
import { shippedSchemas } from '../../intake/schema-folder.ts';
import type { AnnalConfig } from '../config.ts';
import { namespaceRules } from '../open-annal.ts';
import { pinnedNode } from '../version.ts';
import type { Check } from './check.ts';

const gibibyte = 2 ** 30;
const nodeMajorMin = 24;

export function nodeCheck(): Check {
  const check = 'Node';
  const running = process.versions.node;
  const pinned = pinnedNode();
  if (Number(running.split('.')[0]) < nodeMajorMin)
    return {
      check,
      status: 'fail',
      detail: `${running} runs, ${nodeMajorMin} or newer is needed`,
      doThis: 'Run `npm ci` again: it brings its own Node.',
    };
  if (running === pinned) return { check, status: 'ok', detail: `${running}, the pinned one` };
  return {
    check,
    status: 'warn',
    detail: `${running} runs, ${pinned} is pinned`,
    doThis: 'Start through `npx annal`, which takes the pinned one where this system has it.',
  };
}

/** Data folder and port, as this process finds them. */
export async function machineChecks(config: AnnalConfig): Promise<readonly Check[]> {
  const folder = folderChecks(config);
  const address = folder.address;
  return [...folder.checks, await portCheck(config, address)];
}

function folderChecks({ dataDir }: AnnalConfig): { checks: readonly Check[]; address: string | undefined } {
  const check = 'data folder';
  let there = dataDir;
  while (!existsSync(there)) there = dirname(there);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch {
    const doThis = 'Give this user the right to write there, or name another folder with `--data`.';
    return {
      checks: [{ check, status: 'fail', detail: `${there} cannot be written`, doThis }],
      address: undefined,
    };
  }
  const { bavail, bsize } = statfsSync(there);
  const free = bavail * bsize;
  const detail = `${(free / gibibyte).toFixed(1)} GiB free`;
  const space: Check =
    free < gibibyte
      ? { check: 'disk', status: 'warn', detail, doThis: 'The log and the archive grow: make room.' }
      : { check: 'disk', status: 'ok', detail };
  if (there !== dataDir)
    return {
      checks: [{ check, status: 'ok', detail: `${dataDir} is not there yet` }, space],
      address: undefined,
    };
  const { owner, address } = ownerCheck(dataDir);
  return { checks: [owner, space], address };
}

/** Takes the lock and gives it back: nobody else can say whether it is free. */
function ownerCheck(dataDir: string): { owner: Check; address: string | undefined } {
  const check = 'data folder';
  try {
    takeOwnerLock(dataDir).release();
    return { owner: { check, status: 'ok', detail: `${dataDir}, nobody works on it` }, address: undefined };
  } catch (error) {
    if (!isFault(error, 'ALREADY_RUNNING')) throw error;
    const owner = readOwner(dataDir);
    const where =
      owner === undefined ? 'a command holds it' : `process ${owner.pid} at ${owner.address} has it`;
    return { owner: { check, status: 'ok', detail: `${dataDir}, ${where}` }, address: owner?.address };
  }
}

async function portCheck({ http }: AnnalConfig, running: string | undefined): Promise<Check> {
  const check = 'port';
  const { bind, port, portFirm } = http;
  if (running !== undefined && Number(URL.parse(running)?.port) === port)
    return { check, status: 'ok', detail: `${port}, of the one that runs` };
  const error = await listenError(bind, port);
  if (error === undefined) return { check, status: 'ok', detail: `${port} on ${bind} is free` };
  if (error.code !== 'EADDRINUSE')
    return {
      check,
      status: 'fail',
      detail: `${bind}:${port}: ${error.message}`,
      doThis: 'Correct ANNAL_BIND.',
    };
  return portFirm
    ? {
        check,
        status: 'fail',
        detail: `${port} is taken`,
        doThis: 'Choose another with ANNAL_PORT, or 0 for any.',
      }
    : { check, status: 'warn', detail: `${port} is taken`, doThis: 'Nothing: the next free one is used.' };
}

function listenError(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

/** Files that settings name. Throws their faults. */
export function schemaChecks({ schemasDir, namespaceRulesFile }: AnnalConfig): readonly Check[] {
  const folders = [shippedSchemas, ...(schemasDir === undefined ? [] : [schemasDir])];
  loadAspectSchemas(folders);
  loadEntityTypes(folders);
  namespaceRules(namespaceRulesFile);
  const own = schemasDir === undefined ? 'as shipped' : `as shipped, and those of ${schemasDir}`;
  return [{ check: 'schemas', status: 'ok', detail: own }];
}
