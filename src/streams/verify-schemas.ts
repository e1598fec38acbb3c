import { AvroReader } from '../formats/avro-bytes.ts';
import { recordHash } from '../formats/leaf.ts';
import type { RecordView } from '../formats/record-view.ts';
import type { TruthStore } from '../ports/archive.ts';
import type { Findings } from './archive-finding.ts';
import { schemaName } from './archive-names.ts';

/** A schema by the first record of a lane that names it. */
export interface SchemaNamed {
  readonly sha256: string;
  readonly epoch: number;
  readonly partition: number;
  readonly offset: number;
  readonly leaf: number | null;
}

const headerName = Buffer.from('annal-schema');
const sha256Chars = 64;
/** Whoever writes into the topic may name what he likes: beyond, no more are looked for. */
const schemasMax = 10_000;

/** Bytes of the value that a record's header `annal-schema` has; an empty range where there is none. */
function schemaOf(view: RecordView, found: { start: number; end: number }): void {
  const reader = new AvroReader(view.block, view.headersStart, view.end);
  [found.start, found.end] = [0, 0];
  for (let { count } = reader.blockCount(); count > 0; { count } = reader.blockCount()) {
    for (let i = 0; i < count; i += 1) {
      const length = reader.length();
      const name = reader.take(length);
      const valued = reader.present();
      const size = valued ? reader.length() : 0;
      const value = valued ? reader.take(size) : 0;
      if (
        size === sha256Chars &&
        length === headerName.length &&
        headerName.compare(view.block, name, name + length) === 0
      ) {
        [found.start, found.end] = [value, value + size];
        return;
      }
    }
  }
}

/** Schemas that the records of a lane name. */
export interface SchemasSeen {
  see(view: RecordView, leaf: number | undefined): void;
  readonly named: readonly SchemaNamed[];
}

/** One lane's. */
export function schemasSeen(epoch: number, partition: number): SchemasSeen {
  const all = new Map<string, SchemaNamed>();
  const found = { start: 0, end: 0 };
  let last = Buffer.alloc(0);
  let lastHeaders: Buffer = Buffer.alloc(0);
  return {
    get named() {
      return [...all.values()];
    },
    see(view, leaf) {
      // Most records have the headers of the one before.
      if (lastHeaders.compare(view.block, view.headersStart, view.end) === 0) return;
      lastHeaders = Buffer.from(view.block.subarray(view.headersStart, view.end));
      schemaOf(view, found);
      if (found.end === 0 || last.compare(view.block, found.start, found.end) === 0) return;
      last = Buffer.from(view.block.subarray(found.start, found.end));
      const sha256 = last.toString('latin1');
      if (all.has(sha256) || all.size === schemasMax || !/^[0-9a-f]{64}$/.test(sha256)) return;
      all.set(sha256, { sha256, epoch, partition, offset: view.offset, leaf: leaf ?? null });
    },
  };
}

export interface SchemaCheck {
  /** Takes those of one lane after the other. */
  take(named: readonly SchemaNamed[]): void;
  /** Finds those that the archive has not, and those that are not what their name says. */
  end(): Promise<number>;
}

/** Every schema that an archived event names has to be there: without it nobody can decode the event. */
export function schemaCheck(truth: TruthStore, findings: Findings): SchemaCheck {
  const all = new Map<string, Omit<SchemaNamed, 'sha256'>>();
  return {
    take(named) {
      for (const { sha256, ...place } of named)
        if (!all.has(sha256) && all.size < schemasMax) all.set(sha256, place);
    },
    async end() {
      for (const [sha256, place] of all) {
        const blob = schemaName(sha256);
        const text = await truth.read(blob);
        const of = { part: 'schema', of: 'truth', blob, ...place } as const;
        if (text === undefined) findings.add({ ...of, wrong: 'missing', reason: 'an event names it' });
        else if (recordHash(text).toString('hex') !== sha256)
          findings.add({ ...of, wrong: 'altered', reason: 'its bytes have another hash' });
      }
      return all.size;
    },
  };
}
