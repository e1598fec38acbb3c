import { randomUUID } from 'node:crypto';
import { setTimeout as timer } from 'node:timers/promises';
import { isFault } from '../domain/fault.ts';
import type { Change, ChangeSource, Published } from './change.ts';
import { type Environment, pluginSettings } from './plugin-settings.ts';
import { isPublishError, type PublishError } from './publish-error.ts';
import { publishSnapshot, type SnapshotReport } from './publish-snapshot.ts';
import { openPublisher, type Publisher } from './publisher.ts';
import { serveHealth } from './sidecar-health.ts';
import type { Found, SnapshotOptions } from './snapshot.ts';
import { stateFile } from './state-file.ts';

/** What a plugin works with. */
export interface Sidecar {
  readonly env: Environment;
  /** Of this run; stands in the source of each event. */
  readonly runId: string;
  /** Aborts when the plugin is told to stop. */
  readonly signal: AbortSignal;
  /** Resolves once it is acknowledged; it is tried again as long as the plugin runs. Adds the source. */
  publish(change: Change): Promise<Published>;
  /** Publishes what differs from the snapshot before, deletions too: see `publishSnapshot`. */
  snapshot(found: Found, options: SnapshotOptions): Promise<SnapshotReport>;
  /** Resolves after so long, or as soon as the plugin is told to stop. */
  rest(ms: number): Promise<void>;
  /** A line on standard output. */
  say(line: string): void;
  /** A line on standard error. */
  warn(line: string): void;
  /** Something outside that the plugin cannot do without is away: `/readyz` says so until it is called without a reason. */
  waitingFor(reason?: { readonly code: string; readonly detail: string }): void;
}

export interface Plugin {
  /** `[a-z0-9-]+`. */
  readonly name: string;
  readonly version: string;
  /** The work, from start to stop. When it ends, the plugin ends. */
  readonly work: (sidecar: Sidecar) => Promise<void>;
  /** Called after each acknowledgement, and only then. */
  readonly onPublished?: (published: Published, sidecar: Pick<Sidecar, 'say'>) => void;
}

export interface SidecarProcess {
  readonly env: Environment;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Aborts where somebody wants the plugin to stop. */
  readonly signal: AbortSignal;
}

/**
 * Runs a plugin until it is told to stop or its work ends: settings from the environment, health endpoint, one publisher, and at
 * the end a drain of at most `GRACE_SECONDS`. Answers the exit code: 0; 1 where the work failed or something was not
 * acknowledged, with a line on standard error that says what; 2 for settings that will not do.
 */
export async function runSidecar(plugin: Plugin, process: SidecarProcess): Promise<number> {
  const { env, stdout, stderr, signal } = process;
  const say = (line: string): void => void stdout.write(`${line}\n`);
  const warn = (line: string): void => void stderr.write(`${plugin.name}: ${line}\n`);
  let settings: ReturnType<typeof pluginSettings>;
  try {
    settings = pluginSettings(env, plugin.name);
  } catch (error) {
    if (!isFault(error, 'CONFIG_INVALID')) throw error;
    for (const { at, what } of error.facts.faults as readonly { at: string; what: string }[])
      warn(`CONFIG_INVALID: ${at} ${what}`);
    return 2;
  }
  const transport = settings.transport();
  const runId = randomUUID();
  const counts = { published: 0, refused: 0 };
  let lastPublishedMs: number | undefined;
  let waiting: { readonly code: string; readonly detail: string } | undefined;
  const publisher = openPublisher({
    ...{ transport, patienceMs: Number.POSITIVE_INFINITY },
    onRetry: ({ message }, waitMs) => warn(`${message}; again in ${waitMs} ms`),
  });
  const acknowledged = (published: Published): void => {
    counts.published += 1;
    lastPublishedMs = Date.now();
    plugin.onPublished?.(published, { say });
  };
  const source = { plugin: plugin.name, version: plugin.version, runId };
  const state = stateFile(settings.stateFile);
  /** One after the other, so that what waits for room is not overtaken. */
  let entering: Promise<unknown> = Promise.resolve();
  const enter = async (change: Change): Promise<{ readonly acknowledgement: Promise<Published> }> => {
    do await publisher.room(signal);
    while (!publisher.hasRoom);
    const acknowledgement = publisher.publish(change);
    acknowledgement.catch(() => {}); // Told to whoever published it.
    return { acknowledgement };
  };
  const sidecar: Sidecar = {
    ...{ env, runId, signal, say, warn },
    async publish(change) {
      try {
        const entered = entering.then(() => enter({ ...change, source: merged(change.source, source) }));
        entering = entered.catch(() => {}); // Told to whoever published it.
        const published = await (await entered).acknowledgement;
        acknowledged(published);
        return published;
      } catch (error) {
        if (isPublishError(error)) counts.refused += 1;
        throw error;
      }
    },
    snapshot: (found, options) =>
      publishSnapshot(found, {
        ...{ ...options, publisher, state, source, onPublished: acknowledged },
        onRefused({ urn, aspect }, refused) {
          counts.refused += 1;
          warn(`${urn} ${aspect ?? '(deletion)'}: ${refused.message}`);
        },
      }),
    async rest(ms) {
      await timer(ms, undefined, { signal }).catch(() => {}); // Told to stop: the rest is over.
    },
    waitingFor(reason) {
      waiting = reason;
    },
  };
  const health = (): ReturnType<Parameters<typeof serveHealth>[1]> => ({
    reasons: [...reasonOf(publisher.failing), ...(waiting === undefined ? [] : [waiting])],
    facts: {
      ...{ plugin: plugin.name, version: plugin.version, runId, to: transport.where, ...counts },
      pending: publisher.pending,
      lastPublishedAt: lastPublishedMs === undefined ? null : new Date(lastPublishedMs).toISOString(),
    },
  });
  await using endpoint =
    settings.health === undefined ? undefined : await serveHealth(settings.health, health);
  say(`${plugin.name} ${plugin.version} publishes to ${transport.where} ${transport.address}`);
  if (endpoint !== undefined) say(`health at ${endpoint.address}/readyz`);
  // Awaited here: the endpoint lasts as long as the work.
  return await worked(plugin, sidecar, publisher, settings.graceMs);
}

/** The work, and the drain after it. When told to stop, what is on its way has the time of grace. */
async function worked(
  plugin: Plugin,
  sidecar: Sidecar,
  publisher: Publisher,
  graceMs: number,
): Promise<number> {
  const { signal, warn } = sidecar;
  const closing = Promise.withResolvers<Awaited<ReturnType<Publisher['close']>>>();
  const close = (): void => void publisher.close(graceMs).then(closing.resolve, closing.reject);
  if (signal.aborted) close();
  else signal.addEventListener('abort', close, { once: true });
  let failed = false;
  try {
    await plugin.work(sidecar);
  } catch (error) {
    const isStop = signal.aborted && (isPublishError(error, 'PUBLISHER_CLOSED') || error === signal.reason);
    failed = !isStop;
    if (failed) warn(error instanceof Error ? error.message : String(error));
  }
  close();
  const { unacknowledged } = await closing.promise;
  if (unacknowledged > 0)
    warn(`DRAIN_LATE: ${unacknowledged} changes were not acknowledged within ${graceMs} ms`);
  return failed || unacknowledged > 0 ? 1 : 0;
}

const reasonOf = (failing: PublishError | undefined) =>
  failing === undefined ? [] : [{ code: failing.code, detail: failing.detail }];

const merged = (own: ChangeSource | undefined, ours: ChangeSource): ChangeSource =>
  own?.foreign === undefined ? ours : { ...ours, foreign: own.foreign };
