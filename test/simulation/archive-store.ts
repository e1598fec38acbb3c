import { Fault } from '../../src/domain/fault.ts';
import {
  type ArchiveStore,
  type BlobFound,
  checkBlobName,
  checkPrefix,
  type Lease,
  leaseMs,
} from '../../src/ports/archive.ts';
import type { Blobs } from './blobs.ts';
import { type StoreCall, stepOf } from './steps.ts';
import type { Wire } from './wire.ts';

export interface SimArchiveOptions {
  readonly blobs: Blobs;
  readonly wire: Wire;
  /** Names to a page of a list. */
  readonly pageMax: number;
  /** How long a lease lasts, by the clock of the store: that of the caller where there is no other. */
  readonly leases?: { readonly lastsMs: number; readonly now: () => number };
}

/** One process's handle of an archive in memory: every call, and every page of a list, is a request of its own. */
export function simArchive({ blobs, wire, pageMax, leases }: SimArchiveOptions): ArchiveStore {
  const lost = (): Fault => new Fault('STORE_UNAVAILABLE', { place: 'memory' });
  const ask = <T>(call: StoreCall, effect: () => T): Promise<T> => wire.call(stepOf(call), effect, lost);

  async function* list(kind: 'truth' | 'state', prefix: string, after = ''): AsyncGenerator<BlobFound> {
    checkPrefix(prefix);
    for (let from = after; ; ) {
      const page = await ask({ call: 'list', kind, name: prefix }, () =>
        blobs.page(kind, prefix, from, pageMax),
      );
      yield* page;
      if (page.length < pageMax) return;
      from = page.at(-1)!.name;
    }
  }

  async function lease(name: string): Promise<Lease | undefined> {
    checkBlobName(name);
    const holder = {};
    const { lastsMs, now } = leases ?? { lastsMs: leaseMs, now: wire.clock.now };
    const hold = (): boolean => blobs.lease(name, holder, now() + lastsMs, now());
    if (!(await ask({ call: 'lease', kind: 'state', name }, hold))) return undefined;
    let over = false;
    return {
      renew: async () => !over && ask({ call: 'lease', kind: 'state', name }, hold),
      async [Symbol.asyncDispose]() {
        over = true;
        await ask({ call: 'release', kind: 'state', name }, () => blobs.release(name, holder));
      },
    };
  }

  return {
    place: 'memory',
    lease,
    truth: {
      async create(name, bytes) {
        checkBlobName(name);
        const content = Buffer.from(bytes);
        return ask({ call: 'create', kind: 'truth', name, bytes: content }, () =>
          blobs.create(name, content),
        );
      },
      async read(name) {
        checkBlobName(name);
        return ask({ call: 'read', kind: 'truth', name }, () => copyOf(blobs.truth.get(name)));
      },
      list: (prefix, after) => list('truth', prefix, after),
    },
    state: {
      async read(name) {
        checkBlobName(name);
        return ask({ call: 'read', kind: 'state', name }, () => {
          const found = blobs.state.get(name);
          return found === undefined ? undefined : { bytes: Buffer.from(found.bytes), etag: found.etag };
        });
      },
      async write(name, bytes, etag) {
        checkBlobName(name);
        const content = Buffer.from(bytes);
        return ask({ call: 'write', kind: 'state', name, etag }, () => blobs.write(name, content, etag));
      },
      async append(name, block, etag) {
        checkBlobName(name);
        const content = Buffer.from(block);
        return ask({ call: 'append', kind: 'state', name }, () => blobs.append(name, content, etag));
      },
      async replace(name, bytes) {
        checkBlobName(name);
        const content = Buffer.from(bytes);
        await ask({ call: 'replace', kind: 'state', name }, () => blobs.write(name, content, undefined));
      },
      async remove(name) {
        checkBlobName(name);
        await ask({ call: 'remove', kind: 'state', name }, () => blobs.remove(name));
      },
      list: (prefix, after) => list('state', prefix, after),
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const copyOf = (bytes: Buffer | undefined): Buffer | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes);
