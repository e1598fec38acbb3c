import { Fault, isFault } from '../domain/fault.ts';
import { leafHash, leafTextOf } from '../formats/leaf.ts';
import type { RecordView } from '../formats/record-view.ts';
import { readTail } from '../formats/segment.ts';
import { type LaneName, segmentName, tailName } from './archive-names.ts';
import { leafOfMissing } from './archived-leaves.ts';
import { readTailBlob } from './chain.ts';
import { type ChainSegment, type ChainWalk, chainFiles } from './chain-files.ts';
import type { StoredTiles } from './stored-tiles.ts';
import type { SignedHead, TreePlace } from './verify-checkpoints.ts';
import { indexCheck } from './verify-index.ts';
import { leafFiles } from './verify-leaf-files.ts';
import { type LeafCheck, leafCheck } from './verify-leaves.ts';
import type { SchemasSeen } from './verify-schemas.ts';
import type { TilesVerdict } from './verify-tiles.ts';

/** What a lane's archive holds, as it was found. */
export interface LaneFound {
  readonly epoch: number;
  readonly partition: number;
  readonly segments: number;
  /** Bytes of the segments and of the tail, as stored. */
  readonly bytes: number;
  readonly records: number;
  /** Exclusive ends of the chain and of the archive. */
  readonly sealed: number;
  readonly next: number;
  /** Null where nobody can tell, for something is missing. */
  readonly leaves: number | null;
  /** Leaves in tiles, and those under the newest checkpoint. */
  readonly tree: number;
  readonly signed: number;
  readonly missing: readonly {
    readonly kind: 'hole' | 'gap';
    readonly first: number;
    readonly next: number;
  }[];
}

export interface LaneWork extends TreePlace {
  readonly name: LaneName;
  readonly deep: boolean;
  /** Where the epoch ended; 0 while it is open. */
  readonly epochEnd: number;
  readonly schemas: SchemasSeen;
  /** Told of records as they are gone through. */
  readonly onRecords: (records: number, bytes: number) => void;
}

export interface LaneTreeFound {
  readonly tiles: StoredTiles | undefined;
  readonly verdict: TilesVerdict;
  readonly heads: readonly SignedHead[];
  /** First offset of the first segment that is looked at, and the leaves before it; undefined: nothing tells. */
  readonly since: number;
  readonly from: number | undefined;
}

/** Goes through one lane: its chain, its tail, and with `deep` every record and its leaf. */
export async function verifyLane(work: LaneWork, tree: LaneTreeFound): Promise<LaneFound> {
  const pass = await openPass(work, tree);
  let next = tree.since;
  for (;;) {
    const chain = chainFiles(pass.walk, next);
    for (let step = await chain.next(); ; step = await chain.next()) {
      if (step.done === true) {
        next = step.value;
        break;
      }
      if (step.value.kind === 'segment')
        await pass.segment(step.value.blob, step.value.bytes, step.value.segment);
      else if (step.value.to !== undefined) await pass.lost(step.value.to);
      else await pass.lost(Number.POSITIVE_INFINITY);
    }
    if ((await pass.tail(next)) === 'done') break;
  }
  return pass.end();
}

interface Pass {
  readonly walk: ChainWalk;
  segment(blob: string, bytes: number, segment: ChainSegment): Promise<void>;
  lost(to: number): Promise<void>;
  /** `again`: a seal and a trim came in between. */
  tail(from: number): Promise<'done' | 'again'>;
  end(): Promise<LaneFound>;
}

async function openPass(work: LaneWork, tree: LaneTreeFound): Promise<Pass> {
  const { store, name, deep, findings, schemas, onRecords } = work;
  const { epoch, partition } = name;
  const check: LeafCheck | undefined = deep
    ? await leafCheck({
        ...{ place: work, tiles: tree.tiles, verdict: tree.verdict, heads: tree.heads, from: tree.from },
        partOf: (blob) => (blob.startsWith('tail/') ? 'tail' : 'segment'),
      })
    : undefined;
  const files = await leafFiles(work, name, deep);
  const indexes = await indexCheck(work, name);
  const truthBefore = findings.truth;
  const tailBlob = tailName(name);
  const missing: LaneFound['missing'][number][] = [];
  let [segments, bytes, records] = [0, 0, 0];
  let [sealed, next] = [tree.since, tree.since];
  let leaves: number | undefined = tree.from;
  let attempts = 0;

  /** True: `settle` before the next one. */
  function takeLeaf(text: string, offset: number, blob: string): boolean {
    if (files.areThere && blob !== tailBlob) files.add(leafHash(text));
    return check!.take(text, offset, blob);
  }

  /** Records of a file from `next` on; what cannot be read is found by its offset. */
  async function takeRecords(
    views: Iterable<RecordView>,
    blob: string,
    part: 'segment' | 'tail',
  ): Promise<void> {
    const before = { records, bytes };
    try {
      for (const view of views) {
        if (view.offset < next) continue;
        if (view.offset !== next)
          throw new Fault('ARCHIVE_CORRUPT', { reason: `offset ${view.offset} where ${next} should be` });
        if (check === undefined) {
          next += 1;
          records += 1;
          continue;
        }
        schemas.see(view, check.index);
        if (part === 'segment') indexes.see(view);
        const text = leafTextOf({ epoch, partition, offset: next }, view.bytes);
        if (takeLeaf(text, next, blob)) await check.settle();
        next += 1;
        records += 1;
      }
    } catch (error) {
      if (!isFault(error, 'ARCHIVE_CORRUPT')) throw error;
      const reason = String(error.facts.reason);
      const place = { epoch, partition, offset: next, leaf: check?.index ?? null };
      findings.add({ part, wrong: 'unreadable', of: 'truth', blob, ...place, reason });
    }
    onRecords(records - before.records, 0);
  }

  async function lost(to: number): Promise<void> {
    leaves = undefined;
    next = Number.isFinite(to) ? to : next;
    await check?.skip(to);
  }

  async function segment(blob: string, size: number, found: ChainSegment): Promise<void> {
    const { kind, first, next: end } = found.header;
    const [leaf, whole] = [leaves, deep && next <= first];
    segments += 1;
    bytes += size;
    if (kind !== 'data') {
      missing.push({ kind, first, next: end });
      const { text } = leafOfMissing(name, { kind, first, next: end });
      if (check !== undefined && takeLeaf(text, first, blob)) await check.settle();
      if (leaves !== undefined) leaves += 1;
      next = end;
    } else if (deep) {
      await takeRecords(found.views(), blob, 'segment');
      if (leaves !== undefined) leaves += end - first;
      if (next !== end) await lost(end);
    } else {
      records += end - first;
      if (leaves !== undefined) leaves += end - first;
      next = end;
    }
    sealed = end;
    onRecords(0, size);
    await files.segment(first, kind === 'data' ? end - first : 1);
    await indexes.segment(found.header, leaf, whole);
  }

  async function tail(from: number): Promise<'done' | 'again'> {
    const blob = tailBlob;
    const place = { part: 'tail', of: 'truth', blob, epoch, partition } as const;
    const found = await readTailBlob(store, name);
    if (found === undefined) return 'done';
    const before = next;
    try {
      const file = readTail(found.bytes, blob);
      const { header } = file;
      if (header.topic !== name.topic || header.epoch !== epoch || header.partition !== partition) {
        const reason = `its header says ${header.topic}/${header.epoch}/${header.partition}`;
        findings.add({ ...place, wrong: 'misplaced', reason });
        return 'done';
      }
      const first = firstFrom(file.views(), next);
      if (first !== undefined && first > next) {
        attempts += 1;
        if (attempts < 3 && first >= from) return 'again';
        const reason = `offsets ${next} to ${first - 1} are in neither segments nor tail`;
        findings.add({
          ...place,
          part: 'segment',
          wrong: 'missing',
          blob: segmentName(name, next),
          offset: next,
          leaf: check?.index ?? leaves ?? null,
          reason,
        });
        await lost(first);
      }
      bytes += found.bytes.length;
      await takeRecords(readTail(found.bytes, blob).views(), blob, 'tail');
    } catch (error) {
      if (!isFault(error, 'ARCHIVE_CORRUPT')) throw error;
      findings.add({ ...place, wrong: 'unreadable', offset: next, reason: String(error.facts.reason) });
    }
    if (leaves !== undefined) leaves += next - before;
    return 'done';
  }

  return {
    walk: {
      ...{ truth: store.truth, lane: name, found: findings },
      leaf: () => check?.index ?? leaves ?? null,
    },
    segment,
    lost,
    tail,
    async end() {
      await check?.end();
      files.end();
      const signed = tree.heads.at(-1)?.size ?? 0;
      const size = tree.tiles?.progress.size ?? 0;
      const known = Math.max(signed, size);
      const place = { epoch, partition, offset: next, leaf: leaves ?? null };
      const short = (reason: string, missed: number | null): void =>
        findings.add({
          ...{ part: 'segment', wrong: 'missing', of: 'truth', blob: segmentName(name, next), ...place },
          ...{ leaves: missed, reason },
        });
      if (next < work.epochEnd) short(`the epoch ended at ${work.epochEnd}`, null);
      else if (leaves !== undefined && leaves < known)
        short(
          `${known} leaves were ${signed >= size ? 'signed' : 'in the tree'}, and the archive has ${leaves}`,
          known - leaves,
        );
      if (findings.truth === truthBefore) await indexes.end(tree.since);
      return {
        ...{ epoch, partition, segments, bytes, records, sealed, next, missing },
        ...{ leaves: leaves ?? null, tree: size, signed },
      };
    },
  };
}

/** First offset at or after `from`. */
function firstFrom(views: Iterable<RecordView>, from: number): number | undefined {
  for (const view of views) if (view.offset >= from) return view.offset;
  return undefined;
}
