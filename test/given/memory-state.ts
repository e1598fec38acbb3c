import { Fault } from '../../src/domain/fault.ts';
import { checkBlobName, type StateStore } from '../../src/ports/archive.ts';

/** What the world does to one write: done and told; not done, and told so; done, no answer. */
export type WriteFortune = 'ok' | 'refused' | 'reply-lost';

/** A state store in memory that obeys its port, while the world does to it what the test says. */
export interface MemoryState extends StateStore {
  readonly blobs: ReadonlyMap<string, Buffer>;
  fortune: (name: string) => WriteFortune;
  /** Told of each change, before the writer hears of it; answers how to take that back. */
  watch(onChanged: (name: string) => void): () => void;
}

export function memoryState(): MemoryState {
  const blobs = new Map<string, Buffer>();
  const tags = new Map<string, string>();
  const watchers = new Set<(name: string) => void>();
  let tagged = 0;

  async function change(name: string, bytes: Uint8Array): Promise<string> {
    const fortune = state.fortune(name);
    await Promise.resolve();
    if (fortune === 'refused') throw new Fault('STORE_UNAVAILABLE', { blob: name });
    const tag = String(tagged++);
    blobs.set(name, Buffer.from(bytes));
    tags.set(name, tag);
    for (const onChanged of [...watchers]) onChanged(name);
    if (fortune === 'reply-lost') throw new Fault('STORE_UNAVAILABLE', { blob: name });
    return tag;
  }

  const state: MemoryState = {
    blobs,
    fortune: () => 'ok',
    watch(onChanged) {
      watchers.add(onChanged);
      return () => watchers.delete(onChanged);
    },
    async read(name) {
      checkBlobName(name);
      const bytes = blobs.get(name);
      return bytes === undefined ? undefined : { bytes, etag: tags.get(name)! };
    },
    async write(name, bytes, etag) {
      checkBlobName(name);
      return (tags.get(name) ?? null) === etag ? change(name, bytes) : 'changed';
    },
    async append(name, block, etag) {
      const bytes = blobs.get(name);
      return bytes !== undefined && tags.get(name) === etag
        ? change(name, Buffer.concat([bytes, block]))
        : 'changed';
    },
    async replace(name, bytes) {
      await change(name, bytes);
    },
    async remove(name) {
      blobs.delete(name);
      tags.delete(name);
    },
    async *list(prefix, after = '') {
      for (const [name, bytes] of [...blobs].sort(([a], [b]) => (a < b ? -1 : 1)))
        if (name.startsWith(prefix) && name > after) yield { name, bytes: bytes.length };
    },
  };
  return state;
}
