import type { ArchiveStore } from '../../ports/archive.ts';
import { type Account, containersOf, placeOf } from './containers.ts';
import { takeLease } from './lease.ts';
import { blobState } from './state.ts';
import { blobTruth } from './truth.ts';

export type AzureBlobOptions = Account & {
  /**
   * The containers are `<prefix>-archive` and `<prefix>-state`: 1 to 55 lower-case letters, digits, single
   * dashes.
   */
  readonly prefix: string;
};

const prefixText = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const prefixMax = 55;

/**
 * An archive in two containers of an Azure storage account (block blobs; no hierarchical namespace). Nothing
 * is asked of the account before the first call, which makes the containers where the credential may.
 */
export function azureBlobArchive({ prefix, ...account }: AzureBlobOptions): ArchiveStore {
  if (!prefixText.test(prefix) || prefix.length > prefixMax)
    throw new RangeError(`container prefix ${prefix}`);
  const container = containersOf(account);
  const state = container(`${prefix}-state`);
  return {
    truth: blobTruth(container(`${prefix}-archive`)),
    state: blobState(state),
    lease: (name) => takeLease(state, name),
    place: `${placeOf(account)}/${prefix}-*`,
    // The SDK keeps no connection that would hold the process.
    [Symbol.asyncDispose]: async () => {},
  };
}
