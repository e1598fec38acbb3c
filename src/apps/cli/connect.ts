import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readOwner } from '../../adapters/file-log/owner-lock.ts';
import { Fault, isFault } from '../../domain/fault.ts';
import { type AnnalConfig, readConfig } from '../config.ts';
import { type Call, httpCall } from './call.ts';
import { usage } from './failure.ts';
import type { Session } from './session.ts';

/** Somebody who answers the HTTP API: a server, or this process with the data folder in its hands. */
export interface Connection extends AsyncDisposable {
  readonly call: Call;
  /** URL, or the data folder. */
  readonly place: string;
  /** This process holds the data folder: nobody else works on it meanwhile. */
  readonly here: boolean;
}

export interface ConnectOptions {
  /** Whether there may be a log made where there is none; reading commands say `DATA_EMPTY` then. */
  readonly make?: boolean;
  /** Whether to wait until read models have everything that the log holds; a server is asked as it is. */
  readonly settled?: boolean;
}

const probeMs = 2_000;
/** How long the owner of a folder may take to say where it is, or a command beside this one to end. */
const ownerWaitMs = 15_000;
const ownerLookMs = 100;

/**
 * Whom to ask: the server at `--url` (or ANNAL_URL); else the one that says in the data folder where it is; else nobody
 * runs there, and this process takes the folder for as long as the command lasts. Throws `SERVER_UNREACHABLE`,
 * `ALREADY_RUNNING`, `DATA_EMPTY`, and what opening the ports throws.
 */
export async function connect(session: Session, options: ConnectOptions = {}): Promise<Connection> {
  const { io } = session;
  const deadline = Date.now() + ownerWaitMs;
  for (;;) {
    const server = await connectServer(session);
    if (server !== undefined) return server;
    const config = readConfig(io.env, { data: session.data });
    if (options.make !== true && isEmpty(config)) throw new Fault('DATA_EMPTY', { folder: config.dataDir });
    try {
      const { openHere } = await import('./in-process.ts');
      return await openHere(session, config, { settled: options.settled !== false });
    } catch (error) {
      // It is just starting, or another command holds the folder for a moment.
      if (!isFault(error, 'ALREADY_RUNNING') || Date.now() > deadline) throw error;
      await wait(ownerLookMs, undefined, { signal: io.signal });
    }
  }
}

/** The server at `--url`, or the one that says in the data folder where it is; undefined where nobody runs there. */
export async function connectServer({ io, url, data }: Session): Promise<Connection | undefined> {
  const token = io.env.ANNAL_TOKEN === '' ? undefined : io.env.ANNAL_TOKEN;
  if (url !== undefined) return atServer(checkedUrl(url), token);
  const owner = readOwner(readConfig(io.env, { data }).dataDir);
  const runs = owner !== undefined && (await answers(owner.address));
  return runs ? atServer(owner.address, token) : undefined;
}

const atServer = (url: string, token: string | undefined): Connection => ({
  call: httpCall(url, token),
  place: url,
  here: false,
  [Symbol.asyncDispose]: async () => undefined,
});

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw usage(`--url ${JSON.stringify(text)} is no http URL`);
  if (url.username !== '' || url.password !== '')
    throw usage('--url may not hold a password', 'Put the token into ANNAL_TOKEN.');
  return text;
}

async function answers(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address.replace(/\/+$/, '')}/livez`, {
      signal: AbortSignal.timeout(probeMs),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Whoever wrote this address is gone: its folder is free, or taking it says who has it.
    return false;
  }
}

const isEmpty = ({ archive, dataDir }: AnnalConfig): boolean =>
  archive.kind === 'folder' && !existsSync(join(dataDir, 'archive', 'epochs'));
