import type { ArchiveStore, BlobName, StateStore, TruthStore } from '../../src/ports/archive.ts';

/** What a locked store refuses: who asked for it has a fault, not bad luck. */
export class Refused extends Error {
  readonly act: string;
  readonly blob: BlobName;

  constructor(act: string, blob: BlobName) {
    super(`${act} ${blob}: not allowed`);
    this.act = act;
    this.blob = blob;
  }
}

/**
 * A role as a storage account gives it out: the prefixes of the state that it may write. Nobody's role lets truth be replaced
 * or removed.
 */
export interface Role {
  readonly name: string;
  /** Whether it may create truth. */
  readonly creates: readonly string[];
  readonly writes: readonly string[];
}

export const archiverRole: Role = {
  name: 'archiver',
  creates: ['epochs/', 'segments/', 'checkpoints/', 'cuts/', 'keys/', 'schemas/'],
  writes: ['tail/', 'leaves/', 'trees/', 'index/', 'base/'],
};
/** Rebuilds and verifies read models: a claim is all that it writes. */
export const projectorRole: Role = { name: 'projector', creates: [], writes: ['rebuilds/'] };
export const auditorRole: Role = { name: 'auditor', creates: [], writes: [] };

export interface LockedStore extends ArchiveStore {
  /** Everything that was refused so far. */
  readonly refused: readonly Refused[];
  /** Creates that found their blob there, and left it. */
  readonly bounced: readonly BlobName[];
}

/**
 * A store under a time-based retention policy and a role. What neither adapter's emulator can show: truth that nothing can
 * overwrite or delete, not even through a call that the port has not, and state that a role may not touch.
 */
export function lockedStore(inner: ArchiveStore, role: Role): LockedStore {
  const refused: Refused[] = [];
  const bounced: BlobName[] = [];
  const deny = (act: string, blob: BlobName): never => {
    const fault = new Refused(act, blob);
    refused.push(fault);
    throw fault;
  };
  const may = (prefixes: readonly string[], act: string, blob: BlobName): void => {
    if (!prefixes.some((prefix) => blob.startsWith(prefix))) deny(act, blob);
  };
  const { truth, state } = inner;

  const lockedTruth: TruthStore = {
    async create(name, bytes) {
      may(role.creates, 'create', name);
      const answer = await truth.create(name, bytes);
      if (answer === 'exists') bounced.push(name);
      return answer;
    },
    read: (name) => truth.read(name),
    list: (prefix, after) => truth.list(prefix, after),
  };
  const lockedState: StateStore = {
    read: (name) => state.read(name),
    async write(name, bytes, etag) {
      may(role.writes, 'write', name);
      return state.write(name, bytes, etag);
    },
    async append(name, block, etag) {
      may(role.writes, 'append', name);
      return state.append(name, block, etag);
    },
    async replace(name, bytes) {
      may(role.writes, 'replace', name);
      return state.replace(name, bytes);
    },
    async remove(name) {
      may(role.writes, 'remove', name);
      return state.remove(name);
    },
    list: (prefix, after) => state.list(prefix, after),
  };
  // Whoever reaches for more than the port has finds nothing there.
  const sealed = <T extends object>(store: T): T =>
    new Proxy(store, {
      get: (target, key) =>
        typeof key === 'string' && !(key in target) && key !== 'then'
          ? deny('call', key)
          : Reflect.get(target, key),
      set: (_, key) => deny('change', String(key)),
    });
  return {
    truth: sealed(lockedTruth),
    state: sealed(lockedState),
    lease: (name) => inner.lease(name),
    place: inner.place,
    refused,
    bounced,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
