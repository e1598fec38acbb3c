import { createHash } from 'node:crypto';
import { readSegment, readTail } from '../../src/formats/segment.ts';

type ArchivedRecord = Parameters<typeof import('../../src/formats/segment.ts').encodeRecord>[0];

/** One lane as an archive's blobs hold it, and what is wrong with them. */
export interface PlainLane {
  /** From offset 0 on, without those of holes and gaps. */
  readonly records: readonly ArchivedRecord[];
  readonly segments: number;
  readonly faults: readonly string[];
}

/** Blobs of the two containers by name, as downloaded. */
export interface PlainBlobs {
  readonly truth: ReadonlyMap<string, Buffer>;
  readonly state: ReadonlyMap<string, Buffer>;
}

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
};

/**
 * Reads a lane by docs/formats/archive.md and segment.md: the chain of segments, then the tail from the chain's end, each
 * offset once; and where leaves stand beside a segment, they follow from its records.
 */
export function plainLane(
  { truth, state }: PlainBlobs,
  lane: { readonly topic: string; readonly epoch: number; readonly partition: number },
): PlainLane {
  const path = `${lane.topic}/${lane.epoch}/${lane.partition}`;
  const faults: string[] = [];
  const records: ArchivedRecord[] = [];
  const names = [...truth.keys()].filter((name) => name.startsWith(`segments/${path}/`)).sort();
  let next = 0;
  for (const name of names) {
    const { header, records: held } = readSegment(truth.get(name)!, name);
    const padded = String(header.first).padStart(20, '0');
    if (name !== `segments/${path}/${padded}.avro`) faults.push(`${name} holds ${header.first}`);
    if (header.first !== next) faults.push(`${name} begins at ${header.first}, not ${next}`);
    const leaves: Buffer[] = [];
    for (const { record, bytes } of held()) {
      if (record.offset !== next) faults.push(`${name} has ${record.offset} where ${next} is due`);
      next = record.offset + 1;
      records.push(record);
      leaves.push(leafOf(lane, record.offset, bytes));
    }
    if (header.kind !== 'data') leaves.push(missingLeafOf(lane, header));
    if (header.kind === 'data' ? header.next !== next : header.first !== next)
      faults.push(`${name} ends at ${next}, not ${header.next}`);
    next = header.next;
    const stored = state.get(`leaves/${path}/${padded}`);
    if (stored?.equals(Buffer.concat(leaves)) === false) faults.push(`leaves of ${name} are others`);
  }
  const tail = state.get(`tail/${path}.avro`);
  if (tail !== undefined)
    for (const { record } of readTail(tail).records()) {
      // What a crash between seal and trim left in both.
      if (record.offset < next) continue;
      if (record.offset !== next) faults.push(`the tail has ${record.offset} where ${next} is due`);
      next = record.offset + 1;
      records.push(record);
    }
  return { records, segments: names.length, faults };
}

const leafOf = (
  { epoch, partition }: { readonly epoch: number; readonly partition: number },
  offset: number,
  bytes: Uint8Array,
): Buffer => {
  const record = sha256(bytes).toString('hex');
  const text = `{"v":1,"epoch":${epoch},"partition":${partition},"offset":${offset},"record":"${record}"}`;
  return sha256('\0', text);
};

function missingLeafOf(
  { epoch, partition }: { readonly epoch: number; readonly partition: number },
  { first, next, kind }: { readonly first: number; readonly next: number; readonly kind: string },
): Buffer {
  const reason = kind === 'hole' ? 'sparse' : 'retention';
  const place = `"epoch":${epoch},"partition":${partition},"offset":${first},"next":${next}`;
  return sha256('\0', `{"v":1,${place},"kind":"${kind}","reason":"${reason}"}`);
}
