import { v7 as uuidV7 } from 'uuid';
import { folderReaders, tableReaders } from '../adapters/scan/registry.ts';
import { watchFolder } from '../adapters/scan/watch-folder.ts';
import type { Ports } from '../composition/compose.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { catalogName, keepMemory, readMemory } from '../intake/catalog-memory.ts';
import { type CatalogScan, catalogScan } from '../intake/catalog-scan.ts';
import type { Intake } from '../intake/submit.ts';
import type { Lease } from '../ports/archive.ts';
import type { ReadModel } from '../ports/read-model.ts';
import type { Health } from './annal.ts';
import { catalogWorld } from './catalog-world.ts';
import type { AnnalConfig } from './config.ts';
import type { Log } from './runtime.ts';
import { inBlobs, treeAt } from './tree-at.ts';
import { version } from './version.ts';

/** What a scan came to, without what it remembers. */
export type CatalogScanned = Omit<CatalogScan, 'memory'> & {
  readonly endedAt: number;
  readonly tookMs: number;
  /** Entities that the source has. */
  readonly entities: number;
};

/** One place that is kept scanned. */
export interface CatalogSource {
  readonly source: string;
  readonly place: string;
  /** elsewhere = another process scans it. */
  readonly state: 'waiting' | 'scanning' | 'elsewhere';
  readonly last: CatalogScanned | null;
  /** Why the last attempt came to no end. */
  readonly fault: Fault | null;
  readonly scans: number;
}

export interface Catalog {
  sources(): readonly CatalogSource[];
  /** Has those places scanned soon that `isMeant` names; answers how many. */
  touch(isMeant: (place: string) => boolean): number;
  /** Why places are not scanned. */
  notices(): Health['reasons'];
  stop(): Promise<void>;
}

export interface CatalogGround {
  readonly ports: Pick<Ports, 'archive' | 'clock'>;
  readonly intake: Intake;
  readonly model: () => ReadModel;
  readonly say: Log;
}

/** What comes in a burst is one scan. */
const quietMs = 1_000;
/** What was away is looked for again. */
const retryMs = 2_000;
/** What was read of a scan by then is not read again after a kill. */
const keepEveryMs = 15_000;
const renewEveryMs = 15_000;
const toldReasonMax = 300;

/** Keeps the configured places scanned, each by itself, until it is stopped. */
export function startCatalog(config: AnnalConfig, ground: CatalogGround): Catalog {
  const stopping = new AbortController();
  const kept = config.catalog.sources.map((wanted) => keepScanned(config, ground, wanted, stopping.signal));
  return {
    sources: () => kept.map(({ status }) => status()),
    touch: (isMeant) => {
      const meant = kept.filter(({ status }) => isMeant(status().place));
      for (const { touch } of meant) touch();
      return meant.length;
    },
    notices: () =>
      kept.flatMap(({ status }) => {
        const { source, fault } = status();
        return fault === null ? [] : [{ code: fault.code, detail: `catalog of ${source}: ${fault.message}` }];
      }),
    async stop() {
      stopping.abort();
      await Promise.all(kept.map(({ ended }) => ended));
    },
  };
}

/** What passes by itself is told by health and metrics for as long as it lasts. */
const levelOf = ({ remedy }: Fault): 'info' | 'warn' => (remedy === 'retry' ? 'info' : 'warn');

interface Kept {
  status(): CatalogSource;
  touch(): void;
  readonly ended: Promise<void>;
}

function keepScanned(
  config: AnnalConfig,
  ground: CatalogGround,
  { name: source, place }: AnnalConfig['catalog']['sources'][number],
  signal: AbortSignal,
): Kept {
  const { clock } = ground.ports;
  let status: CatalogSource = { source, place, state: 'waiting', last: null, fault: null, scans: 0 };
  let woken = Promise.withResolvers<void>();
  const touch = (): void => woken.resolve();

  async function attempt(): Promise<void> {
    await using lease = await ground.ports.archive.lease(catalogName(source));
    if (lease === undefined) {
      status = { ...status, state: 'elsewhere', fault: null };
      return;
    }
    status = { ...status, state: 'scanning' };
    const last = await scanOnce(config, ground, { source, place, lease }, signal);
    status = { ...status, last, fault: null, scans: status.scans + 1 };
    tell(ground.say, source, last);
  }

  async function run(): Promise<void> {
    const onShort = (why: string): void => ground.say('warn', 'catalog not watched', { source, why });
    using _watch = inBlobs(place) ? undefined : watchFolder(place, { onChange: touch, onShort });
    while (!signal.aborted) {
      // What changes while it is scanned is scanned again.
      woken = Promise.withResolvers();
      try {
        await attempt();
      } catch (error) {
        if (signal.aborted) return;
        if (!isFault(error)) throw error;
        if (status.fault?.code !== error.code)
          ground.say(levelOf(error), 'catalog not scanned', {
            source,
            code: error.code,
            error: error.message,
          });
        status = { ...status, fault: error };
      }
      if (status.state === 'scanning') status = { ...status, state: 'waiting' };
      const { everyMs } = config.catalog;
      await waitFor(woken.promise, status.fault === null ? everyMs : Math.min(everyMs, retryMs));
    }
  }

  /** The interval, or until something changed and it was quiet for a moment. */
  async function waitFor(change: Promise<void>, everyMs: number): Promise<void> {
    const own = new AbortController();
    const either = AbortSignal.any([signal, own.signal]);
    const ignored = (error: unknown): void => {
      if (!either.aborted) throw error;
    };
    const interval = clock.wait(everyMs, either).catch(ignored);
    await Promise.race([interval, change]);
    own.abort();
    await clock.wait(quietMs, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  const ended = run();
  ended.catch((error: unknown) => queueMicrotask(() => Promise.reject(error)));
  return { status: () => status, touch, ended };
}

async function scanOnce(
  config: AnnalConfig,
  { ports, intake, model }: CatalogGround,
  { source, place, lease }: { readonly source: string; readonly place: string; readonly lease: Lease },
  signal: AbortSignal,
): Promise<CatalogScanned> {
  const { clock, archive } = ports;
  const began = clock.now();
  const tree = await treeAt(config, place);
  const memory = await readMemory(archive.state, source, version());
  let [keptAt, renewedAt] = [began, began];
  const found = await catalogScan({
    ...{ tree, source, readers: tableReaders, folderReaders, memory, signal },
    ...{ version: version(), runId: uuidV7(), seenAtMs: began },
    ...catalogWorld(model, intake, clock)(source, signal),
    async beat() {
      const now = clock.now();
      if (now - renewedAt < renewEveryMs) return;
      if (!(await lease.renew())) throw new Fault('STORE_UNAVAILABLE', { reason: 'its lease is lost' });
      renewedAt = now;
    },
    async onBatch(known) {
      const now = clock.now();
      if (now - keptAt < keepEveryMs) return;
      await keepMemory(archive.state, source, version(), known());
      keptAt = now;
    },
  });
  const { memory: after, ...told } = found;
  const isNews = told.events > 0 || told.looked > 0 || !memory.complete;
  if (isNews || after.stamps.size !== memory.stamps.size)
    await keepMemory(archive.state, source, version(), after);
  const endedAt = clock.now();
  return { ...told, endedAt, tookMs: endedAt - began, entities: after.stamps.size };
}

function tell(say: Log, source: string, last: CatalogScanned): void {
  const { firstUnread, firstRefused, deletionsHeld: held, ...facts } = last;
  const unread = firstUnread && `${firstUnread.path}: ${firstUnread.code}: ${firstUnread.reason}`;
  say(
    last.refused > 0 || held !== undefined ? 'warn' : last.events > 0 ? 'info' : 'debug',
    'catalog scanned',
    {
      ...{ source, ...facts },
      ...(unread === undefined ? {} : { firstUnread: unread.slice(0, toldReasonMax) }),
      ...(firstRefused === undefined ? {} : { firstRefused }),
      ...(held === undefined ? {} : { deletionsHeld: held.count, because: held.reason }),
    },
  );
}
