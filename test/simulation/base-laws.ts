import { decodeEvent } from '../../src/formats/event.ts';
import { readSegment } from '../../src/formats/segment.ts';
import type { Blobs } from './blobs.ts';

/** The last offset of each pair of URN and aspect in a lane's segments, and where these end; as the segments have it. */
function lastInSegments(truth: Blobs['truth'], path: string): { next: number; last: Map<string, number> } {
  const last = new Map<string, number>();
  let next = 0;
  for (const name of [...truth.keys()].filter((one) => one.startsWith(`segments/${path}/`)).sort()) {
    const { header, records } = readSegment(truth.get(name)!);
    next = header.next;
    for (const { record } of records()) {
      if (record.headers.length === 0) continue;
      const { urn, aspect } = decodeEvent(Buffer.from(record.value!));
      last.set(`${urn} ${aspect}`, record.offset);
    }
  }
  return { next, last };
}

function* entriesOf(chunk: Buffer): Generator<readonly [pair: string, offset: number]> {
  for (let at = 0; at < chunk.length; ) {
    const urnEnd = at + 2 + chunk.readUInt16BE(at);
    const aspectEnd = urnEnd + 2 + chunk.readUInt16BE(urnEnd);
    const pair = `${chunk.toString('utf8', at + 2, urnEnd)} ${chunk.toString('utf8', urnEnd + 2, aspectEnd)}`;
    yield [pair, Number(chunk.readBigUInt64BE(aspectEnd))];
    at = aspectEnd + 8;
  }
}

/** What has to lie there at the end: the base of a lane, of all its segments. */
export function baseFaults({ truth, state }: Blobs, path: string): string[] {
  const { next, last } = lastInSegments(truth, path);
  if (next === 0) return [];
  const head = state.get(`base/${path}/head.json`)?.bytes.toString('utf8');
  if (head === undefined) return [`no base of ${path}`];
  const told = JSON.parse(head) as { readonly next: number; readonly chunks: readonly string[] };
  const faults =
    told.next === next ? [] : [`the base of ${path} ends at ${told.next}, the segments at ${next}`];
  const found = new Map<string, number>();
  for (const at of told.chunks.keys()) {
    const name = `base/${path}/${String(told.next).padStart(20, '0')}/${String(at).padStart(6, '0')}`;
    const chunk = state.get(name)?.bytes;
    if (chunk === undefined) faults.push(`${name} is missing`);
    else for (const [pair, offset] of entriesOf(chunk)) found.set(pair, offset);
  }
  for (const [pair, offset] of last)
    if (found.get(pair) !== offset)
      faults.push(`the base of ${path} has ${found.get(pair)} for ${pair}, not ${offset}`);
  if (found.size > last.size) faults.push(`the base of ${path} has ${found.size} pairs of ${last.size}`);
  return faults.slice(0, 2);
}
