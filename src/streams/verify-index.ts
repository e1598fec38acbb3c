import { isFault } from '../domain/fault.ts';
import { mayHold } from '../formats/key-filter.ts';
import type { RecordView } from '../formats/record-view.ts';
import type { WholeHeader } from '../formats/segment.ts';
import type { Found } from './archive-finding.ts';
import type { LaneName } from './archive-names.ts';
import { type BaseHead, baseChunks, baseHeadName, readBaseHead } from './lane-base.ts';
import { indexName, readIndex } from './segment-index.ts';
import type { TreePlace } from './verify-checkpoints.ts';

/** Checks what readers may know of segments without reading them: the index of each, and the base of the lane. */
export interface IndexCheck {
  /** A record of the segment that is being read. */
  see(view: RecordView): void;
  /** The segment was read; `leaf` is the index of its first leaf, `whole` whether all its records were seen. */
  segment(header: WholeHeader, leaf: number | undefined, whole: boolean): Promise<void>;
  /** Checks the base, where segments were read from `since` on and nothing was wrong with them. */
  end(since: number): Promise<void>;
}

/** Of so many records the filter is asked for the key of one: each answer costs a hash. */
const keyEvery = 16;

/** The index trails what is sealed: what the base has not reached is not missed. */
export async function indexCheck({ store, findings }: TreePlace, lane: LaneName): Promise<IndexCheck> {
  const { epoch, partition } = lane;
  let [min, max, seen] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  let keys: Buffer[] = [];
  const ends = new Set<number>([0]);
  const tell = (part: 'index' | 'base', blob: string, wrong: Found['wrong'], reason: string): void =>
    findings.add({ part, of: 'derived', blob, epoch, partition, wrong, reason });

  async function read<T>(
    part: 'index' | 'base',
    blob: string,
    from: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await from();
    } catch (error) {
      if (!isFault(error, 'ARCHIVE_CORRUPT') && !(error instanceof RangeError)) throw error;
      const reason = isFault(error) ? String(error.facts.reason) : error.message;
      tell(part, blob, reason === 'missing' ? 'missing' : 'unreadable', reason);
      return undefined;
    }
  }

  const headBlob = baseHeadName(lane);
  const head = await read('base', headBlob, async () => (await readBaseHead(store.state, lane)).head);

  async function checkIndex(header: WholeHeader, leaf: number | undefined, whole: boolean): Promise<void> {
    const blob = indexName(lane, header.first);
    const answer = await read('index', blob, async () => ({
      index: await readIndex(store, lane, header.first),
    }));
    if (answer === undefined) return;
    const { index } = answer;
    if (index === undefined) return tell('index', blob, 'missing', 'the base has this segment');
    const { times } = index;
    const isRight =
      index.next === header.next &&
      index.kind === header.kind &&
      (leaf === undefined || index.leaf === leaf) &&
      (!whole || header.kind !== 'data' || (times?.min === min && times.max === max)) &&
      keys.every((key) => mayHold(index.keys, key));
    if (!isRight) tell('index', blob, 'altered', 'it does not say what its segment holds');
  }

  /** Entries in order, each below the end of the base. */
  async function checkBase(of: BaseHead): Promise<void> {
    let before = { urn: '', aspect: '' };
    for await (const chunk of baseChunks(store.state, lane, of))
      for (const { urn, aspect, offset } of chunk) {
        const follows = urn > before.urn || (urn === before.urn && aspect > before.aspect);
        if (!follows || offset >= of.next)
          return tell('base', headBlob, 'altered', 'its entries are not in order, or lie beyond its end');
        before = { urn, aspect };
      }
  }

  return {
    see(view) {
      min = Math.min(min, view.appendTime);
      max = Math.max(max, view.appendTime);
      if (seen % keyEvery === 0 && view.key !== null) keys.push(Buffer.from(view.key));
      seen += 1;
    },
    async segment(header, leaf, whole) {
      ends.add(header.next);
      if (head !== undefined && head.next > header.first) await checkIndex(header, leaf, whole);
      [min, max, seen, keys] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, []];
    },
    async end(since) {
      if (head === undefined || head.next === 0) return;
      const now = await read('base', headBlob, async () => (await readBaseHead(store.state, lane)).head);
      if (now === undefined) return;
      if (now.next === head.next && head.next > since && !ends.has(head.next))
        return tell('base', headBlob, 'altered', 'it ends where no segment does');
      await read('base', headBlob, () => checkBase(now));
    },
  };
}
