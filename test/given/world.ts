import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileLogHost } from '../../src/adapters/file-log/event-log.ts';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import { sqliteReadModel } from '../../src/adapters/sqlite/read-model.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { MetadataChangeEvent } from '../../src/domain/event.ts';
import { encodeEvent } from '../../src/formats/event.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import type { EventLog, LogHost } from '../../src/ports/event-log.ts';
import type { ReadModel } from '../../src/ports/read-model.ts';
import { type ArchiveLimits, type ArchivePoint, archiveLimits } from '../../src/streams/archive-lane.ts';
import { type Archiver, startArchiver } from '../../src/streams/archiver.ts';
import { type Epoch, openEpoch, topicOf } from '../../src/streams/epochs.ts';
import { openEventDecoders } from '../../src/streams/event-decoders.ts';
import type { RebuildContext } from '../../src/streams/rebuild-plan.ts';
import { eventHeaders } from './events.ts';

/** The embedded adapters in a folder of their own, with one open epoch. */
export interface World extends AsyncDisposable {
  readonly dir: string;
  readonly host: LogHost;
  readonly log: EventLog;
  readonly store: ArchiveStore;
  readonly model: ReadModel;
  readonly epoch: Epoch;
  readonly context: RebuildContext;
  append(events: readonly MetadataChangeEvent[]): Promise<void>;
  ends(): Promise<number[]>;
  archiver(options?: { limits?: Partial<ArchiveLimits>; probe?: (point: ArchivePoint) => void }): Archiver;
}

export const anEpoch = (epoch: number, partitions: number, previous: Epoch['previous'] = null): Epoch => ({
  v: 1,
  epoch,
  log: '019a9f00-0000-7000-8000-0000000000aa',
  name: 'annal',
  topic: topicOf('annal', epoch),
  partitions,
  partitioner: 'murmur2',
  previous,
  openedAt: '2026-01-01T00:00:00.000Z',
});

export async function openWorld(partitions = 2): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'annal-world-'));
  const host = fileLogHost({ dir: join(dir, 'log') });
  const store = folderArchive({ dir });
  const model = sqliteReadModel({ dir: join(dir, 'read') });
  const epoch = await openEpoch(store.truth, anEpoch(1, partitions));
  await host.create(epoch);
  const log = await host.open(epoch);
  const context = {
    store,
    model,
    clock: systemClock,
    epochs: [epoch],
    decoders: openEventDecoders(store.truth),
  };
  return {
    dir,
    host,
    log,
    store,
    model,
    epoch,
    context,
    async append(events) {
      const byPartition = Map.groupBy(events, (event) => partitionOf(event.urn, partitions));
      await Promise.all(
        [...byPartition].map(([partition, own]) =>
          log.append(
            partition,
            own.map((event) => ({
              key: Buffer.from(event.urn),
              value: encodeEvent(event),
              headers: eventHeaders(epoch.epoch),
            })),
          ),
        ),
      );
    },
    ends: async () => (await log.bounds()).map(({ end }) => end),
    archiver: ({ limits, probe } = {}) =>
      startArchiver({
        store,
        clock: systemClock,
        limits: { ...archiveLimits, flushMs: 20, ...limits },
        log,
        name: epoch.name,
        group: 'annal.archiver',
        retryMs: 5,
        onNotice: () => undefined,
        ...(probe === undefined ? {} : { probe: (point) => probe(point) }),
      }),
    async [Symbol.asyncDispose]() {
      await model[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Many events over few entities, each distinct. */
export const manyEvents = (count: number, make: (n: number) => MetadataChangeEvent): MetadataChangeEvent[] =>
  Array.from({ length: count }, (_, n) => make(n));
