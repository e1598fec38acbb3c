/** What came of a create in the truth. */
export type Created = 'created' | 'exists';

export interface StateBlob {
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Told of everything that is tried, when it is tried. */
export interface BlobWatcher {
  /** `stands`: the blob's bytes afterwards. */
  creating(name: string, bytes: Buffer, outcome: Created, stands: Buffer): void;
  changed(name: string, after: Buffer | undefined): void;
  /** Its ETag was an old one. */
  refused(name: string, call: 'write' | 'append'): void;
  /** Somebody got a lease; `isTaken`: that another had, and whose time was over. */
  leased(isTaken: boolean): void;
}

/** The two containers of an archive in memory, as an object store has them: every call is one blow. */
export interface Blobs {
  readonly truth: ReadonlyMap<string, Buffer>;
  readonly state: ReadonlyMap<string, StateBlob>;
  watcher: BlobWatcher | undefined;
  create(name: string, bytes: Uint8Array): Created;
  /** Undefined `etag`: whatever is there. Null: only where nothing is. */
  write(name: string, bytes: Uint8Array, etag: string | null | undefined): string | 'changed';
  append(name: string, block: Uint8Array, etag: string): string | 'changed';
  remove(name: string): void;
  /** At most `most` blobs below `prefix` after `after`, by name. */
  page(
    kind: 'truth' | 'state',
    prefix: string,
    after: string,
    most: number,
  ): { name: string; bytes: number }[];
  /** A lease for so long, unless it is held; or kept by whom holds it. */
  lease(name: string, holder: object, until: number, now: number): boolean;
  release(name: string, holder: object): void;
}

export function blobs(): Blobs {
  const truth = new Map<string, Buffer>();
  const state = new Map<string, StateBlob>();
  const leases = new Map<string, { readonly holder: object; readonly until: number }>();
  let tags = 0;

  function put(name: string, bytes: Buffer): string {
    tags += 1;
    const etag = `"${tags}"`;
    state.set(name, { bytes, etag });
    own.watcher?.changed(name, bytes);
    return etag;
  }

  function refused(name: string, call: 'write' | 'append'): 'changed' {
    own.watcher?.refused(name, call);
    return 'changed';
  }

  const own: Blobs = {
    truth,
    state,
    watcher: undefined,
    create(name, bytes) {
      const there = truth.get(name);
      const given = Buffer.from(bytes);
      if (there === undefined) truth.set(name, given);
      const outcome = there === undefined ? 'created' : 'exists';
      own.watcher?.creating(name, given, outcome, there ?? given);
      return outcome;
    },
    write(name, bytes, etag) {
      if (etag !== undefined && (state.get(name)?.etag ?? null) !== etag) return refused(name, 'write');
      return put(name, Buffer.from(bytes));
    },
    append(name, block, etag) {
      const there = state.get(name);
      if (there === undefined || there.etag !== etag) return refused(name, 'append');
      return put(name, Buffer.concat([there.bytes, block]));
    },
    remove(name) {
      if (state.delete(name)) own.watcher?.changed(name, undefined);
    },
    page(kind, prefix, after, most) {
      const found: { name: string; bytes: number }[] = [];
      if (kind === 'truth') {
        for (const [name, bytes] of truth)
          if (name > after && name.startsWith(prefix)) found.push({ name, bytes: bytes.length });
      } else {
        for (const [name, { bytes }] of state)
          if (name > after && name.startsWith(prefix)) found.push({ name, bytes: bytes.length });
      }
      return found.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, most);
    },
    lease(name, holder, until, now) {
      const held = leases.get(name);
      if (held !== undefined && held.holder !== holder && held.until > now) return false;
      leases.set(name, { holder, until });
      own.watcher?.leased(held !== undefined && held.holder !== holder);
      return true;
    },
    release(name, holder) {
      if (leases.get(name)?.holder === holder) leases.delete(name);
    },
  };
  return own;
}
