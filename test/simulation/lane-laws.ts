import { readSegment, readTail } from '../../src/formats/segment.ts';
import { type LeafList, leafList, missingLeaf, recordLeaf } from './leaf-list.ts';

/** What a log gave, by offset, each time its topic was made: bytes as the archive has to hold them. */
export interface Acknowledged {
  readonly records: ReadonlyMap<number, Buffer>;
  /** Start of what it holds now. */
  readonly first: number;
}

export interface LanePlace {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
}

/** One lane, looked at after each change by who knows the log and nothing of the archiver. */
export interface LaneLaws {
  readonly path: string;
  /** Leaves of all that is durable, in order. */
  readonly leaves: LeafList;
  /** Exclusive end of the segments, and of all that is durable. */
  readonly chainNext: number;
  readonly next: number;
  /** The last of the leaves stands for a record. */
  readonly endsWithRecord: boolean;
  /** The topic that the last record came from, counted from 0. */
  readonly made: number;
  segmentMade(name: string, bytes: Buffer): void;
  /** Somebody tried a name that was taken. */
  segmentTried(name: string, bytes: Buffer, stands: Buffer): void;
  tailChanged(bytes: Buffer | undefined): void;
}

export function laneLaws(
  { topic, epoch, partition }: LanePlace,
  log: () => readonly Acknowledged[],
  broken: (what: string) => void,
  cover: (cell: string) => void,
): LaneLaws {
  const path = `${topic}/${epoch}/${partition}`;
  const place = `"v":1,"epoch":${epoch},"partition":${partition}`;
  const leaves = leafList();
  /** Leaf of each offset that is durable; of a hole or gap at its first. */
  const durable = new Map<number, string>();
  let chainNext = 0;
  let next = 0;
  let made = -1;
  let endsWithRecord = false;

  function keep(offset: number, after: number, leaf: string): void {
    leaves.push(leaf);
    durable.set(offset, leaf);
    next = after;
  }

  /** A record that stands somewhere: the one that the log gave, and the one that stood there before. */
  function stands(offset: number, bytes: Uint8Array, where: string): void {
    const leaf = recordLeaf(place, offset, bytes);
    if (offset < next) {
      if (durable.get(offset) !== leaf) broken(`${where}: another record at ${offset} than was archived`);
      return;
    }
    if (offset > next) {
      broken(`${where}: ${offset} follows ${next - 1}`);
      return;
    }
    const of = log().findLastIndex(({ records }) => records.get(offset)?.equals(bytes) === true);
    if (of < 0) {
      broken(`${where}: the log never gave the record at ${offset}`);
      return;
    }
    // Where the other topic has forgotten what came before, nobody can tell.
    if (endsWithRecord && of !== made && log()[of]!.first < offset)
      broken(`${where}: ${offset} goes on with the record of another topic`);
    made = of;
    endsWithRecord = true;
    keep(offset, offset + 1, leaf);
  }

  function missing(where: string, kind: 'hole' | 'gap', first: number, after: number): void {
    const leaf = missingLeaf(place, { kind, first, next: after });
    if (first < next) {
      broken(`${where}: a ${kind} over ${first}, which was archived`);
      return;
    }
    if (first > next) broken(`${where}: a ${kind} at ${first} follows ${next - 1}`);
    // Whoever looked may have looked before the topic was made again.
    const isSo = log().some(({ records, first: logFirst }) =>
      kind === 'gap' ? after <= logFirst : !anyWithin(records, first, after),
    );
    if (!isSo) broken(`${where}: no ${kind} of the log is [${first}, ${after})`);
    endsWithRecord = false;
    keep(first, after, leaf);
  }

  return {
    path,
    leaves,
    get chainNext() {
      return chainNext;
    },
    get next() {
      return next;
    },
    get endsWithRecord() {
      return endsWithRecord;
    },
    get made() {
      return made;
    },
    segmentMade(name, bytes) {
      const { header, records } = readSegment(bytes, name);
      const { kind, first } = header;
      if (name !== `segments/${path}/${String(first).padStart(20, '0')}.avro`)
        broken(`${name}: holds ${first}`);
      if (first !== chainNext) broken(`${name}: the chain ends at ${chainNext}`);
      if (kind === 'data') for (const found of records()) stands(found.record.offset, found.bytes, name);
      else missing(name, kind, first, header.next);
      chainNext = header.next;
    },
    segmentTried(name, bytes, held) {
      const [tried, there] = [readSegment(bytes, name), readSegment(held, name)];
      const others = [...there.records()];
      for (const [at, found] of [...tried.records()].entries())
        if (others[at] !== undefined && !Buffer.from(others[at].bytes).equals(found.bytes))
          broken(`${name}: two writers hold different records at ${found.record.offset}`);
    },
    tailChanged(bytes) {
      const name = `tail/${path}.avro`;
      let end = chainNext;
      for (const { record, bytes: own } of bytes === undefined ? [] : readTail(bytes, name).records()) {
        if (record.offset < chainNext) {
          cover('records stand in tail and segments');
          continue;
        }
        if (record.offset !== end) {
          broken(`${name}: ${record.offset} follows ${end - 1}`);
          return;
        }
        stands(record.offset, own, name);
        end += 1;
      }
      if (end < next) broken(`${name}: ends at ${end}, and ${next} were archived`);
    },
  };
}

function anyWithin(records: ReadonlyMap<number, Buffer>, first: number, after: number): boolean {
  for (let offset = first; offset < after; offset += 1) if (records.has(offset)) return true;
  return false;
}
