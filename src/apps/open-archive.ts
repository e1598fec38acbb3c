import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { takeOwnerLock } from '../adapters/file-log/owner-lock.ts';
import { openPorts } from '../composition/compose.ts';
import { Fault } from '../domain/fault.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { type Epoch, readEpochs } from '../streams/epochs.ts';
import { keepVkey } from '../streams/tree-signing.ts';
import type { AnnalConfig } from './config.ts';
import { portSettings } from './open-annal.ts';
import { keyFile, signingKey } from './signing-key.ts';

/** An archive with nothing that follows a log: for work on the archive alone. */
export interface OpenArchive extends AsyncDisposable {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  /** One or more, oldest first. */
  readonly epochs: readonly Epoch[];
  /** Undefined where no key is configured, and the data folder has none. */
  readonly signer: NoteSigner | undefined;
}

/**
 * Opens the configured archive; its folder is then ours. Neither log nor read model has to be there. Rejects with
 * `ALREADY_RUNNING`, and with `ARCHIVE_EMPTY` where no epoch was opened yet.
 */
export async function openArchive(config: AnnalConfig): Promise<OpenArchive> {
  await using opening = new AsyncDisposableStack();
  const settings = portSettings(config);
  const isFolder = settings.archive.kind === 'folder';
  if (isFolder && !existsSync(join(config.dataDir, 'archive')))
    throw new Fault('ARCHIVE_EMPTY', { folder: config.dataDir });
  if (isFolder) opening.use(takeOwnerLock(config.dataDir));
  const { archive: store, clock } = opening.use(await openPorts(settings, () => undefined));
  const epochs = await readEpochs(store.truth);
  const [first] = epochs;
  if (first === undefined) throw new Fault('ARCHIVE_EMPTY', { archive: store.place });
  const { dataDir, signingKeyFile: file } = config;
  const mayMake = isFolder || existsSync(join(dataDir, keyFile));
  const signer = signingKey({ file, dataDir: mayMake ? dataDir : undefined, name: `annal/${first.log}` });
  if (signer !== undefined) await keepVkey(store.truth, signer);
  const opened = opening.move();
  return { store, clock, epochs, signer, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
