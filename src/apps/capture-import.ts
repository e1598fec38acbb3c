import { v7 as uuidV7 } from 'uuid';
import { takeOwnerLock } from '../adapters/file-log/owner-lock.ts';
import { openPorts } from '../composition/compose.ts';
import { completeLane, lanesOf } from '../streams/complete.ts';
import type { Epoch } from '../streams/epochs.ts';
import { type CaptureRequest, type CaptureWorld, importCapture } from '../streams/import-capture.ts';
import { keepVkey } from '../streams/tree-signing.ts';
import type { AnnalConfig } from './config.ts';
import { portSettings } from './open-annal.ts';
import { signingKey } from './signing-key.ts';

export interface Imported {
  readonly epochs: readonly Epoch[];
  /** Whether what was imported is signed. */
  readonly signed: boolean;
}

/**
 * Imports into the configured archive; its folder is taken for that (`ALREADY_RUNNING`). Then every lane gets its tree and
 * index, and a checkpoint where there is a key. Rejects as `importCapture` does.
 */
export async function importInto(
  config: AnnalConfig,
  request: CaptureRequest,
  world: CaptureWorld,
): Promise<Imported> {
  const settings = portSettings(config);
  const isFolder = settings.archive.kind === 'folder';
  await using _lock = isFolder ? takeOwnerLock(config.dataDir) : undefined;
  await using ports = await openPorts(settings, () => undefined);
  const { archive: store, clock } = ports;
  const { signingKeyFile: file, dataDir } = config;
  let signed = false;
  const complete = async ([first]: readonly Epoch[]): Promise<void> => {
    const { log } = first!;
    const signer = signingKey({ file, dataDir: isFolder ? dataDir : undefined, name: `annal/${log}` });
    signed = signer !== undefined;
    if (signer !== undefined) await keepVkey(store.truth, signer);
    for (const lane of lanesOf([first!]))
      await completeLane({ store, clock, log, signer }, lane, world.signal);
  };
  const options = { ...world, store, clock, newLogId: uuidV7, nextPartitions: config.partitions, complete };
  const epochs = await importCapture(options, request);
  return { epochs, signed };
}
