import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { takeOwnerLock } from '../adapters/file-log/owner-lock.ts';
import { openPorts, type Ports } from '../composition/compose.ts';
import { Fault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import { type Epoch, readEpochs } from '../streams/epochs.ts';
import type { RestoreWorld } from '../streams/restore-plan.ts';
import { readArchive } from './archive-reading.ts';
import type { AnnalConfig } from './config.ts';
import { portSettings } from './open-annal.ts';

/** What a restore works with. */
export interface Restoring extends AsyncDisposable {
  readonly ports: Ports;
  readonly epochs: readonly Epoch[];
}

/** Throws `CONFIG_INVALID` unless a broker is configured: files of this process are no topic that anybody else could read. */
export function needBroker({ log }: AnnalConfig): void {
  if (log.kind === 'kafka') return;
  const what =
    'is missing: history is published to a broker, for others to read. Give it to this command alone; the rest stays as it is';
  throw new Fault('CONFIG_INVALID', { faults: [{ at: 'ANNAL_KAFKA_BROKERS', what }] });
}

/**
 * The ports, and the epochs of the archive; no log is opened. A data folder is taken where the archive lies in it: rejects with
 * `ALREADY_RUNNING`, and with `ARCHIVE_EMPTY`.
 */
export async function openRestoring(config: AnnalConfig): Promise<Restoring> {
  await using opening = new AsyncDisposableStack();
  const settings = portSettings(config);
  if (settings.archive.kind === 'folder') {
    if (!existsSync(join(config.dataDir, 'archive', 'epochs')))
      throw new Fault('ARCHIVE_EMPTY', { folder: config.dataDir });
    opening.use(takeOwnerLock(config.dataDir));
  }
  const ports = opening.use(await openPorts(settings, () => undefined));
  const epochs = await epochsOf(ports.archive, config);
  const opened = opening.move();
  return { ports, epochs, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The same to look at: an archive that somebody may be at work on, and the broker where one is configured. */
export async function lookRestoring(config: AnnalConfig): Promise<RestoreWorld & AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  const reading = { folder: undefined, change: false } as const;
  const { store, clock } = opening.use(await readArchive(config, reading));
  const epochs = await epochsOf(store, config);
  const host =
    config.log.kind === 'kafka'
      ? opening.use(await openPorts(portSettings(config), () => undefined)).logHost
      : undefined;
  const opened = opening.move();
  return { store, clock, host, epochs, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function epochsOf(store: ArchiveStore, { name }: AnnalConfig): Promise<readonly Epoch[]> {
  const epochs = await readEpochs(store.truth);
  const holds = epochs[0]?.name;
  if (holds === undefined) throw new Fault('ARCHIVE_EMPTY', { archive: store.place });
  if (holds !== name) throw new Fault('TOPIC_MISMATCH', { archive: store.place, holds, configured: name });
  return epochs;
}
