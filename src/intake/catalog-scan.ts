import { faults } from '../domain/fault.ts';
import type { FileTree } from '../ports/file-tree.ts';
import type { FolderReader } from '../ports/folder-reader.ts';
import type { TableReader } from '../ports/table-reader.ts';
import type { CatalogMemory } from './catalog-memory.ts';
import { scanFolder } from './scan.ts';
import type { FoundEntity, FoundItem, FoundRefusal, FoundState } from './scan-found.ts';
import { type DeletionsHeld, type KnownEntity, type ScanChange, scanPlanner } from './scan-plan.ts';
import type { SubmitResult } from './submit.ts';

/** What one scan of the catalog works with. */
export interface CatalogScanOptions {
  readonly tree: FileTree;
  readonly source: string;
  readonly readers: readonly TableReader[];
  readonly folderReaders: readonly FolderReader[];
  readonly version: string;
  readonly runId: string;
  readonly seenAtMs: number;
  readonly memory: CatalogMemory;
  /** Entities that are there, by URN. */
  readonly load: (urns: readonly string[]) => Promise<ReadonlyMap<string, KnownEntity>>;
  /** URNs of entities that may be this source's, for a scan without a whole memory. */
  readonly owned: () => AsyncIterable<string>;
  /** Results in the order of the changes. */
  readonly submit: (changes: readonly ScanChange[]) => Promise<readonly SubmitResult[]>;
  /** Told after each batch how to get what is known by then: all of it is in the log. */
  readonly onBatch: (known: () => CatalogMemory) => Promise<void>;
  /** Called for all that is found, also for what is as it was: whoever scans shows that it lives. */
  readonly beat: () => Promise<void>;
  readonly signal: AbortSignal;
}

export interface CatalogScan {
  readonly memory: CatalogMemory;
  /** Tables that were found: looked into, and as they were. */
  readonly looked: number;
  readonly same: number;
  /** Events that are in the log now. */
  readonly events: number;
  readonly deleted: number;
  readonly deletionsHeld: DeletionsHeld | undefined;
  /** Files and folders that could not be read, and the first of them. */
  readonly unread: number;
  readonly firstUnread: FoundRefusal | undefined;
  /** Changes that intake did not take, with why the first was not. */
  readonly refused: number;
  readonly firstRefused: string | undefined;
  /** Entities that a scan of another source owns. */
  readonly contested: number;
}

const batchMax = 100;
const changesMax = 400;
const changeBytesMax = 4 * 1024 * 1024;

/** The changes of one entity: they are in the log together, or it is looked into again. */
interface Wanted {
  readonly urn: string;
  readonly changes: readonly ScanChange[];
}

function* portions(wanted: readonly Wanted[]): Generator<readonly ScanChange[]> {
  let [portion, bytes]: [ScanChange[], number] = [[], 0];
  for (const change of wanted.flatMap(({ changes }) => changes)) {
    const size = Buffer.byteLength(JSON.stringify(change));
    if (portion.length > 0 && (portion.length >= changesMax || bytes + size > changeBytesMax)) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(change);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}

/**
 * Scans a source once and brings the log in line with it, a batch at a time: what is held is one batch, and a stamp for each
 * entity. What the memory says to be as it was is not looked into. An entity is remembered only once its changes are in the log.
 * Deletions as `scanPlanner` has them, and of nothing that another source took over meanwhile. Rejects with what `submit`,
 * `load` and the tree reject with; what was told by `onBatch` by then counts.
 */
export async function catalogScan(options: CatalogScanOptions): Promise<CatalogScan> {
  const { source, memory, signal } = options;
  const stamps = new Map<string, string>();
  const refusedUrns = new Set<string>();
  const count = { looked: 0, same: 0, events: 0, unread: 0, refused: 0, deleted: 0 };
  const first: { unread?: FoundRefusal; refused?: string } = {};
  let known: ReadonlyMap<string, KnownEntity> = new Map();
  const planner = scanPlanner({ get: (urn) => known.get(urn) }, options);
  let batch: (FoundEntity | FoundState)[] = [];

  async function send(wanted: readonly Wanted[]): Promise<void> {
    for (const changes of portions(wanted)) {
      signal.throwIfAborted();
      const results = await options.submit(changes);
      for (const [at, result] of results.entries()) {
        if (result.status === 'appended') count.events += 1;
        else {
          count.refused += 1;
          refusedUrns.add(changes[at]!.urn);
          first.refused ??= `${result.code}: ${faults[result.code].about}`;
        }
      }
    }
  }

  async function flush(): Promise<void> {
    if (batch.length === 0) return;
    const items = batch;
    batch = [];
    known = await options.load(items.map(({ urn }) => urn));
    const wanted = items.map((item) => ({ urn: item.urn, changes: planner.take(item) }));
    await send(wanted);
    for (const [at, item] of items.entries()) {
      const isOurs = wanted[at]!.changes.length > 0 || known.get(item.urn)?.root === source;
      const stamp = item.kind === 'entity' && !refusedUrns.has(item.urn) ? (item.stamp ?? '') : '';
      if (isOurs) stamps.set(item.urn, stamp);
    }
    const { complete } = memory;
    await options.onBatch(() => ({ complete, stamps: new Map([...memory.stamps, ...stamps]) }));
  }

  async function take(item: FoundItem): Promise<void> {
    if (item.kind === 'entity' || item.kind === 'state') {
      if (item.urn.startsWith('urn:li:dataset:')) count.looked += 1;
      batch.push(item);
      if (batch.length >= batchMax) await flush();
      return;
    }
    planner.take(item);
    if (item.kind === 'same') {
      if (item.urn.startsWith('urn:li:dataset:')) count.same += 1;
      stamps.set(item.urn, memory.stamps.get(item.urn) ?? '');
    } else if (item.kind === 'refused') {
      count.unread += 1;
      first.unread ??= item;
    }
  }

  const { tree, readers, folderReaders, seenAtMs } = options;
  const isSame = (urn: string, stamp: string): boolean => memory.stamps.get(urn) === stamp;
  for await (const item of scanFolder(tree, { source, readers, folderReaders, seenAtMs, isSame })) {
    signal.throwIfAborted();
    await options.beat();
    await take(item);
  }
  await flush();

  const candidates = memory.complete ? memory.stamps.keys() : options.owned();
  const owned: string[] = [];
  for await (const urn of candidates) owned.push(urn);
  const end = planner.finish(owned);
  count.deleted = await remove(end.changes);
  const gone = new Set(end.changes.map(({ urn }) => urn));
  // What is gone and was not deleted is still this source's, and looked for by the next scan.
  for (const urn of owned)
    if (!stamps.has(urn) && (!gone.has(urn) || refusedUrns.has(urn))) stamps.set(urn, '');

  /** Deletes what is still this source's; answers how many. */
  async function remove(deletions: readonly ScanChange[]): Promise<number> {
    let deleted = 0;
    for (let at = 0; at < deletions.length; at += batchMax) {
      const some = deletions.slice(at, at + batchMax);
      const there = await options.load(some.map(({ urn }) => urn));
      const ours = some.filter(({ urn }) => there.get(urn)?.root === source);
      const before = count.events;
      await send(ours.map((change) => ({ urn: change.urn, changes: [change] })));
      deleted += count.events - before;
    }
    return deleted;
  }

  return {
    ...count,
    memory: { complete: true, stamps },
    deletionsHeld: end.deletionsHeld,
    firstUnread: first.unread,
    firstRefused: first.refused,
    contested: end.contested.length,
  };
}
