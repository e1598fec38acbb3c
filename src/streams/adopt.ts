import { Fault } from '../domain/fault.ts';
import type { ArchiveStore, TruthStore } from '../ports/archive.ts';
import { deprecatedPrefix, drillsPrefix, epochName, epochsPrefix } from './archive-names.ts';
import { readEpochs } from './epochs.ts';

/** Names the adoption that is under way, until the next epoch is open: a start after a crash goes on with it. */
const pendingName = 'adopting.json';

/** What is copied of the truth, before the epochs: they say that it is whole. */
export const truthPrefixes = ['schemas/', 'segments/', 'keys/', 'cuts/', 'checkpoints/'];

/**
 * What is copied of the state. Of rebuilds their reports and the code of folds alone: claims, records and indexes are of the
 * place they were made in, as are runs that publish history (`restored/`), `leases/`, and stamps of files that were scanned
 * (`catalog/`): without them the next scan looks at all of them.
 */
export const statePrefixes = [
  ...['tail/', 'leaves/', 'trees/', 'index/', 'base/', 'bridges/', 'refused/', drillsPrefix, 'rebuilds/'],
  deprecatedPrefix,
];

export interface Adoption {
  readonly from: string;
  /** Id that the log gets; null = it keeps its own. */
  readonly log: string | null;
}

/** The adoption that a crash left unfinished, if there is one. */
export async function pendingAdoption(store: ArchiveStore): Promise<Adoption | undefined> {
  const found = await store.state.read(pendingName);
  return found === undefined ? undefined : (JSON.parse(found.bytes.toString('utf8')) as Adoption);
}

/**
 * Copies a finished archive into an empty one: schemas, segments, what was signed, tails, trees, indexes, then epochs. Done
 * again it goes on where it was: every blob is created whole, or is there already. The epochs come last, so that half an
 * archive has none. Rejects with `DATA_NOT_EMPTY` where another adoption is unfinished, and with `ARCHIVE_FORK` where a blob
 * is there with other bytes.
 */
export async function adoptArchive(
  source: ArchiveStore,
  target: ArchiveStore,
  adoption: Adoption,
  onCopied: (blobs: number) => void,
): Promise<void> {
  const pending = await pendingAdoption(target);
  if (pending !== undefined && pending.from !== adoption.from)
    throw new Fault('DATA_NOT_EMPTY', { folder: target.place, unfinished: pending.from });
  await target.state.replace(pendingName, Buffer.from(JSON.stringify(adoption)));
  let copied = 0;
  for (const prefix of truthPrefixes) {
    for await (const { name } of source.truth.list(prefix)) {
      const bytes = await source.truth.read(name);
      if (bytes === undefined)
        throw new Fault('ARCHIVE_CORRUPT', { blob: name, reason: 'listed and not there' });
      await createSame(target.truth, name, bytes);
      copied += 1;
      onCopied(copied);
    }
  }
  for (const prefix of statePrefixes) {
    for await (const { name } of source.state.list(prefix)) {
      if (prefix === 'rebuilds/' && !isEvidence(name)) continue;
      const blob = await source.state.read(name);
      if (blob !== undefined) await target.state.replace(name, blob.bytes);
      copied += 1;
      onCopied(copied);
    }
  }
  for (const epoch of await readEpochs(source.truth)) {
    const own = adoption.log === null ? epoch : { ...epoch, log: adoption.log };
    await createSame(target.truth, epochName(own.epoch), Buffer.from(`${JSON.stringify(own, null, 2)}\n`));
  }
}

const isEvidence = (name: string): boolean => /^rebuilds\/(?:[^/]+\/reports|folds)\//.test(name);

/** What is there already has to be what is copied: two archives never mix. */
export async function createSame(truth: TruthStore, name: string, bytes: Buffer): Promise<void> {
  if ((await truth.create(name, bytes)) === 'created') return;
  if ((await truth.read(name))?.equals(bytes) !== true) throw new Fault('ARCHIVE_FORK', { blob: name });
}

/** Says that the adoption is over: the next epoch is open. */
export const adopted = (target: ArchiveStore): Promise<void> => target.state.remove(pendingName);

/** Whether the archive holds nothing at all. */
export async function isEmpty({ truth }: ArchiveStore): Promise<boolean> {
  for (const prefix of [epochsPrefix, 'segments/', 'schemas/'])
    for await (const _ of truth.list(prefix)) return false;
  return true;
}
