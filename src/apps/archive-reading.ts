import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { takeOwnerLock } from '../adapters/file-log/owner-lock.ts';
import { folderArchive } from '../adapters/folder/archive-store.ts';
import { readFolder } from '../composition/archive-reading.ts';
import { openPorts } from '../composition/compose.ts';
import { Fault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { AnnalConfig } from './config.ts';
import { portSettings } from './open-annal.ts';
import type { ArchivePlace } from './verify-messages.ts';

/** An archive and nothing else: no log, registry or read model is asked. */
export interface ArchiveReading extends AsyncDisposable {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  /** Where another thread finds it. */
  readonly place: ArchivePlace;
}

/**
 * The configured archive, or the one in `folder` (which holds `archive` and `state`, or is `archive` itself). A folder is only
 * looked at, whoever works on it; with `change` it is taken, or rejects with `ALREADY_RUNNING`. Rejects with `ARCHIVE_EMPTY`.
 */
export async function readArchive(
  config: AnnalConfig,
  { folder, change }: { readonly folder: string | undefined; readonly change: boolean },
): Promise<ArchiveReading> {
  await using opening = new AsyncDisposableStack();
  const settings = portSettings(config);
  if (folder !== undefined || settings.archive.kind === 'folder') {
    const dir = folderOf(folder ?? config.dataDir);
    if (change) opening.use(takeOwnerLock(dir));
    const { store: read, clock } = readFolder(dir);
    const store = opening.use(change ? folderArchive({ dir }) : read);
    const opened = opening.move();
    return { store, clock, place: { folder: dir }, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  }
  const { archive: store, clock } = opening.use(await openPorts(settings, () => undefined));
  const opened = opening.move();
  return { store, clock, place: { settings }, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function folderOf(given: string): string {
  const path = resolve(given);
  if (existsSync(join(path, 'archive', 'epochs'))) return path;
  if (basename(path) === 'archive' && existsSync(join(path, 'epochs'))) return dirname(path);
  throw new Fault('ARCHIVE_EMPTY', { archive: path });
}
