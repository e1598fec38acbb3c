import { relative } from 'node:path';
import type pino from 'pino';
import { formatCut } from '../../domain/cut.ts';
import { isFault } from '../../domain/fault.ts';
import type { RebuildReport } from '../../streams/rebuild-report.ts';
import type { AnnalConfig } from '../config.ts';
import { adoptSample, finishAdoption, sampleArchive, sampleDatalake, wantsSample } from '../sample.ts';
import { type Serving, serve, version } from '../serve.ts';

export interface Scanned {
  /** One line: what the scan found and changed. */
  readonly summary: string;
}

export interface StartOptions {
  readonly config: AnnalConfig;
  /** Whether a first start shows the sample. */
  readonly sample: boolean;
  readonly log: pino.Logger;
  /** A line for the person who started it. */
  readonly print: (line: string) => void;
  /** Scans a folder into the running server. */
  readonly scan: (serving: Serving, folder: string) => Promise<Scanned>;
  readonly signal: AbortSignal;
}

const readyWithinMs = 60_000;

/**
 * `annal start`: opens the data folder, with the sample the first time, waits until what is there can be searched, and
 * says what happened, what was verified and what to try. Resolves once it serves.
 */
export async function start(options: StartOptions): Promise<Serving> {
  const { config, log, print } = options;
  const began = Date.now();
  const built: RebuildReport[] = [];
  let sample = false;
  const serving = await serve(config, log, {
    onBuilt: (report) => built.push(report),
    async prepare(ports) {
      const resumed = await finishAdoption(ports, config);
      sample = resumed?.from === sampleArchive;
      if (resumed === undefined && options.sample && (await wantsSample(config, ports.archive))) {
        await adoptSample(ports, config);
        sample = true;
      }
    },
  });
  try {
    greet(serving, options);
    if (sample) {
      print(
        'First start: this folder was empty, so it got a copy of a sample archive, 18 months of a made-up company.',
      );
      print('To start without it: annal start --no-sample --data DIR');
    }
    const late = await notReady(serving, options.signal);
    const isReady = late.length === 0;
    for (const { projection, reason } of late) print(`${projection} is not ready: ${reason}`);
    for (const report of built.sort((a, b) => a.projection.localeCompare(b.projection)))
      print(verified(report));
    if (sample && isReady) print((await options.scan(serving, sampleDatalake)).summary);
    if (isReady && built.length === 0) await kept(serving, print);
    farewell(serving, options, {
      tookMs: Date.now() - began,
      tries: sample || (isReady && (await hasEntities(serving))) ? tries : firstTries,
    });
    return serving;
  } catch (error) {
    await serving[Symbol.asyncDispose]();
    throw error;
  }
}

function greet({ annal }: Serving, { config, print }: StartOptions): void {
  const embedded = annal.runtime.ports.every((port) => port.embedded);
  print(
    `Annal ${version}, ${embedded ? 'embedded' : 'full or mixed'} profile, data in ${shown(config.dataDir)}`,
  );
  for (const { port, adapter, place } of annal.runtime.ports)
    print(`  ${port.padEnd(11)} ${adapter.padEnd(14)} ${shown(place)}`);
}

/**
 * Waits until every projection serves and has all that the log held when it was asked. Names those that have not by then: a
 * halted one is for its owner to cure, and a long build goes on.
 */
async function notReady(
  { annal }: Serving,
  signal: AbortSignal,
): Promise<readonly { readonly projection: string; readonly reason: string }[]> {
  const { runtime } = annal;
  const until = AbortSignal.any([signal, AbortSignal.timeout(readyWithinMs)]);
  const ends = (await runtime.archive()).map(({ logEnd }) => logEnd);
  const late = await Promise.all(
    runtime.projectors.map(async (projector) => {
      try {
        await projector.reach(ends, until);
        return [];
      } catch (error) {
        const { projection, fault } = projector.status();
        if (signal.aborted || !(isFault(error) || until.aborted)) throw error;
        return [{ projection, reason: fault?.message ?? 'it is still being built' }];
      }
    }),
  );
  return late.flat();
}

function verified({
  projection,
  events,
  segments,
  documents,
  foldMs,
  readBackMs,
  root,
}: RebuildReport): string {
  const seconds = ((foldMs + readBackMs) / 1_000).toFixed(1);
  return (
    `Replayed ${count(events)} events from ${count(segments)} segments into ${projection}: ${count(documents)} documents ` +
    `in ${seconds} s; verified: root read back = root of the fold (${root.slice(0, 12)}…)`
  );
}

async function kept({ annal }: Serving, print: (line: string) => void): Promise<void> {
  for (const { projection, documents, cut } of await annal.runtime.projections())
    print(
      `Kept ${projection}: ${count(documents)} documents at cut ${cut === null ? 'none' : formatCut(cut)}`,
    );
}

async function hasEntities({ annal }: Serving): Promise<boolean> {
  return (await annal.runtime.projections()).some(({ documents }) => documents > 0);
}

function farewell(
  { address }: Serving,
  { config, print }: StartOptions,
  { tookMs, tries: shownTries }: { readonly tookMs: number; readonly tries: readonly string[] },
): void {
  const open = config.tokensFile === undefined;
  print(
    open
      ? 'Auth: off. Only this machine is let in, as local:owner.'
      : `Auth: on. Callers need a token of ${shown(config.tokensFile!)}.`,
  );
  print(`Ready in ${(tookMs / 1_000).toFixed(1)} s.  Page: ${address}/   API: ${address}/openapi.json`);
  const data = config.dataDir === `${process.cwd()}/.annal` ? '' : ` --data ${shown(config.dataDir)}`;
  print('Try, in another terminal:');
  for (const command of shownTries) print(`  npx annal ${command}${data}`);
}

const orders = 'urn:li:dataset:(urn:li:dataPlatform:file,shop.orders,PROD)';

/** Five commands for a log that holds something. */
const tries = [
  'search orders',
  `history "${orders}"`,
  `show "${orders}" --as-of 2026-01-01`,
  'log --limit 20',
  'verify entities',
];

/** Five commands for an empty log. */
const firstTries = ['scan .', 'search csv', 'log --follow', 'projections', 'verify entities'];

const count = (number: number): string => number.toLocaleString('en-US');

/** Paths below here are shown as somebody would type them. */
function shown(path: string): string {
  const below = relative(process.cwd(), path);
  return path.startsWith('/') && below !== '' && !below.startsWith('..') ? `./${below}` : path;
}
