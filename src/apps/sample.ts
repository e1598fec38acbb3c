import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { v7 as uuidV7 } from 'uuid';
import { folderArchive } from '../adapters/folder/archive-store.ts';
import type { Ports } from '../composition/compose.ts';
import { Fault } from '../domain/fault.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import { type Adoption, adoptArchive, adopted, isEmpty, pendingAdoption } from '../streams/adopt.ts';
import { endReader } from '../streams/epoch-end.ts';
import { type EpochEnd, readEpochs } from '../streams/epochs.ts';
import { openNextEpoch } from '../streams/next-epoch.ts';
import type { AnnalConfig } from './config.ts';

export const sampleArchive = fileURLToPath(new URL('../../samples/archive', import.meta.url));
export const sampleDatalake = fileURLToPath(new URL('../../samples/datalake', import.meta.url));
/** The log's name in the sample archive: it stands in its paths and bytes. */
const sampleName = 'annal';

/** What the sample holds, as recorded when it was made. */
interface SampleEnd extends EpochEnd {
  readonly events: number;
  readonly entities: number;
}

const sampleEnd = (): SampleEnd =>
  JSON.parse(readFileSync(join(sampleArchive, 'sample.json'), 'utf8')) as SampleEnd;

/** Whether a first start shows the sample: every port embedded, nothing there yet, and the log has the sample's name. */
export async function wantsSample(config: AnnalConfig, archive: ArchiveStore): Promise<boolean> {
  const embedded =
    config.log.kind === 'file' &&
    config.archive.kind === 'folder' &&
    config.registry.kind === 'embedded' &&
    config.readModel.kind === 'sqlite';
  return embedded && config.name === sampleName && (await isEmpty(archive));
}

/** Goes on with an adoption that a crash left unfinished. */
export async function finishAdoption(ports: Ports, config: AnnalConfig): Promise<Adoption | undefined> {
  const pending = await pendingAdoption(ports.archive);
  if (pending !== undefined) await adopt(ports, config, pending, () => undefined);
  return pending;
}

/** Copies the sample archive under a fresh log id as epoch 1; live appends open epoch 2. */
export const adoptSample = (ports: Ports, config: AnnalConfig): Promise<void> =>
  adopt(ports, config, { from: sampleArchive, log: uuidV7() }, () => undefined);

/**
 * Copies the archive in a folder into this one, then opens the epoch after its last one: the archive's end is where that
 * one ended. Done again after a crash, it goes on where it was.
 */
export async function adopt(
  { archive, clock }: Ports,
  config: AnnalConfig,
  adoption: Adoption,
  onCopied: (blobs: number) => void,
): Promise<void> {
  await using source = folderArchive({ dir: adoption.from });
  const before = await readEpochs(source.truth);
  const last = before.at(-1);
  if (last === undefined) throw new Fault('ARCHIVE_EMPTY', { archive: adoption.from });
  await adoptArchive(source, archive, adoption, onCopied);
  const epochs = await readEpochs(archive.truth);
  const finished = epochs[last.epoch - 1]!;
  if (epochs.length === last.epoch) {
    const end =
      adoption.from === sampleArchive ? endOnly(sampleEnd()) : await endReader(archive, finished).read();
    await openNextEpoch(archive.truth, finished, end, {
      partitions: config.partitions,
      openedAt: new Date(clock.now()).toISOString(),
    });
  }
  await adopted(archive);
}

const endOnly = ({ epoch, next, timeMax }: SampleEnd): EpochEnd => ({ epoch, next, timeMax });
