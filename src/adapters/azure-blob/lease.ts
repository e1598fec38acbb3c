import { type BlobName, checkBlobName, type Lease, leaseMs } from '../../ports/archive.ts';
import type { Container } from './containers.ts';
import { isMissing, isThere, onStore, statusOf } from './failures.ts';

/**
 * A lease of the service on the blob `leases/<name>`, which is made for it. It ends by itself after `leaseMs`, and while nobody
 * else took it, it can still be renewed then.
 */
export async function takeLease(container: Container, name: BlobName): Promise<Lease | undefined> {
  checkBlobName(name);
  const blob = `leases/${name}`;
  return onStore(blob, async () => {
    const client = (await container.writing(blob)).getBlobLeaseClient();
    const take = async (): Promise<Lease> => {
      await client.acquireLease(leaseMs / 1_000);
      return {
        renew: () => onStore(blob, () => unlessLost(() => client.renewLease())),
        async [Symbol.asyncDispose]() {
          await onStore(blob, () => unlessLost(() => client.releaseLease()));
        },
      };
    };
    try {
      return await take();
    } catch (error) {
      if (statusOf(error) === 409) return undefined;
      if (!isMissing(error)) throw error;
    }
    await make(container, blob);
    try {
      return await take();
    } catch (error) {
      if (statusOf(error) === 409) return undefined;
      throw error;
    }
  });
}

async function make(container: Container, blob: BlobName): Promise<void> {
  const client = await container.writing(blob);
  try {
    await client.upload('', 0, { conditions: { ifNoneMatch: '*' } });
  } catch (error) {
    // Somebody else made it, and may hold it by now.
    if (!isThere(error) && statusOf(error) !== 412) throw error;
  }
}

/** 409: another lease is on the blob, or none. 404: no blob. */
async function unlessLost(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (statusOf(error) === 409 || isMissing(error)) return false;
    throw error;
  }
}
