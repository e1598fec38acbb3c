import { type BlobName, checkBlobName, type Lease } from '../../ports/archive.ts';
import type { Root } from './root.ts';

/** Leases of one handle: a folder has one owner, so they live in its memory, and no time ends them. */
export function folderLeases({ leases }: Root): {
  readonly take: (name: BlobName) => Promise<Lease | undefined>;
  readonly letGo: () => void;
} {
  const own = new Set<{ readonly name: BlobName }>();

  function take(name: BlobName): Lease | undefined {
    checkBlobName(name);
    if (leases.has(name)) return undefined;
    const held = { name };
    leases.add(name);
    own.add(held);
    return {
      renew: async () => own.has(held),
      async [Symbol.asyncDispose]() {
        if (own.delete(held)) leases.delete(name);
      },
    };
  }

  return {
    take: async (name) => take(name),
    letGo() {
      for (const { name } of own) leases.delete(name);
      own.clear();
    },
  };
}
