import { expect } from 'vitest';
import { folderArchive } from '../../../src/adapters/folder/archive-store.ts';
import { isFault } from '../../../src/domain/fault.ts';
import type { ArchiveStore } from '../../../src/ports/archive.ts';
import { type LossyDisk, lossyDisk } from '../file-log/lossy-disk.ts';
import { type Seeded, seeded } from '../file-log/seeded.ts';

/**
 * What a blob may hold, as far as its callers can tell: one content when they know, more after an unknown
 * outcome.
 */
type May = ReadonlySet<string | undefined>;

const ways = ['write', 'append', 'append', 'replace', 'remove'] as const;
const focusedWays = ['write', 'append'] as const;
const names = ['a/one', 'a/two', 'a/b/three', 'tail/1/0/tail.avro', 'four'];

export interface ArchiveWorld {
  readonly random: Seeded;
  readonly disk: LossyDisk;
  /** Appends and writes that were acknowledged. */
  readonly changes: () => number;
  /** Opens the archive, compares it with what is known, works on it until done or the power goes. */
  live(): Promise<void>;
}

/** A folder archive on a lossy disk, with callers that remember what they were told. */
export function archiveWorld(seed: number): ArchiveWorld {
  const random = seeded(seed);
  const disk = lossyDisk(random, '/data');
  const truth = new Map<string, May>();
  const state = new Map<string, May>();
  const none: May = new Set([undefined]);
  // Half of the worlds do little else than turn one blob from written to appended and back.
  const focused = random.chance(0.5);
  let contents = 0;
  let changes = 0;

  const newContent = (): string => {
    contents += 1;
    return random.chance(0.1) ? '' : `<${contents}>${'x'.repeat(random.below(1_500))}`;
  };

  /** Runs a change; while its outcome is unknown both contents are possible. */
  async function change(
    known: Map<string, May>,
    name: string,
    after: string | undefined,
    work: () => Promise<boolean>,
  ) {
    const before = known.get(name) ?? none;
    known.set(name, new Set([...before, after]));
    try {
      const happened = await work();
      known.set(name, happened ? new Set([after]) : before);
      if (happened) changes += 1;
    } catch (error) {
      if (!isFault(error, 'STORE_UNAVAILABLE')) throw error;
    }
  }

  async function see(known: Map<string, May>, name: string, found: Buffer | undefined): Promise<void> {
    const text = found?.toString();
    expect([...(known.get(name) ?? none)], `${name} is ${text?.slice(0, 8)}`).toContain(text);
    known.set(name, new Set([text]));
  }

  async function check(store: ArchiveStore): Promise<void> {
    for (const kind of ['truth', 'state'] as const) {
      const known = kind === 'truth' ? truth : state;
      const sizes = new Map<string, number>();
      for await (const { name, bytes } of store[kind].list('')) sizes.set(name, bytes);
      for (const name of names) {
        const read = await store[kind].read(name);
        const bytes = Buffer.isBuffer(read) || read === undefined ? read : read.bytes;
        await see(known, name, bytes);
        expect([name, sizes.get(name)]).toEqual([name, bytes?.length]);
        sizes.delete(name);
      }
      expect([...sizes.keys()]).toEqual([]);
    }
  }

  async function changeState(store: ArchiveStore, name: string): Promise<void> {
    const found = await store.state.read(name);
    await see(state, name, found?.bytes);
    const content = newContent();
    const how = random.pick(focused ? focusedWays : ways);
    if (how === 'replace') {
      await change(state, name, content, async () => {
        await store.state.replace(name, Buffer.from(content));
        return true;
      });
    } else if (how === 'remove') {
      await change(state, name, undefined, async () => {
        await store.state.remove(name);
        return true;
      });
    } else if (how === 'write' || found === undefined) {
      await change(state, name, content, async () => {
        expect(await store.state.write(name, Buffer.from(content), found?.etag ?? null)).not.toBe('changed');
        return true;
      });
    } else {
      await change(state, name, `${found.bytes.toString()}${content}`, async () => {
        expect(await store.state.append(name, Buffer.from(content), found.etag)).not.toBe('changed');
        return true;
      });
    }
  }

  /** Looks at a truth blob that may be in the making: once seen, it is there for good. */
  async function glance(store: ArchiveStore, name: string): Promise<void> {
    const found = await store.truth.read(name);
    if (found !== undefined) await see(truth, name, found);
  }

  async function glances(store: ArchiveStore, name: string): Promise<void> {
    for (let times = 0; times < 6; times++) await glance(store, name);
  }

  async function work(store: ArchiveStore): Promise<void> {
    for (let steps = random.below(7); steps >= 0; steps--) {
      disk.capacity = random.chance(0.1) ? random.below(20_000) : Number.POSITIVE_INFINITY;
      const created = random.pick(names);
      const content = newContent();
      const create = async () => (await store.truth.create(created, Buffer.from(content))) === 'created';
      const changed = focused ? names.slice(-1) : names.filter(() => random.chance(0.5));
      // All of them have ended before this life does: a dead process does nothing more.
      const answers = await Promise.allSettled([
        change(truth, created, content, create),
        ...changed.map((name) => changeState(store, name)),
        ...names.filter(() => random.chance(0.3)).map((name) => glance(store, name)),
        ...(random.chance(0.5) ? [glances(store, created)] : []),
      ]);
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
      if (random.chance(0.5)) await see(truth, created, await store.truth.read(created));
    }
    disk.capacity = Number.POSITIVE_INFINITY;
  }

  return {
    random,
    disk,
    changes: () => changes,
    async live() {
      await using store = folderArchive({ dir: '/data/archive', disk });
      try {
        await check(store);
        await work(store);
        await check(store);
      } catch (error) {
        if (!disk.crashed && !isFault(error, 'STORE_UNAVAILABLE')) throw error;
      }
      disk.capacity = Number.POSITIVE_INFINITY;
    },
  };
}
