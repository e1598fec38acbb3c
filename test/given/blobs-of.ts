import type { ArchiveStore, TruthStore } from '../../src/ports/archive.ts';
import type { PlainBlobs } from './plain-archive.ts';

async function all(store: Pick<TruthStore, 'list'>, read: (name: string) => Promise<Buffer | undefined>) {
  const blobs = new Map<string, Buffer>();
  for await (const { name } of store.list('')) {
    const bytes = await read(name);
    if (bytes !== undefined) blobs.set(name, bytes);
  }
  return blobs;
}

/** Everything that both containers hold. */
export const blobsOf = async ({ truth, state }: ArchiveStore): Promise<PlainBlobs> => ({
  truth: await all(truth, (name) => truth.read(name)),
  state: await all(state, async (name) => (await state.read(name))?.bytes),
});
