import { AvroReader } from '../formats/avro-bytes.ts';
import { RecordView } from '../formats/record-view.ts';

/**
 * Records that are folded together, as columns: of each where its bytes lie, its append time made monotone, and the lane it
 * came from, as a number the reader knows. Views of all of them would be promoted by the garbage collector, one after the
 * other.
 */
export interface RecordWindow {
  readonly blocks: Buffer[];
  readonly starts: number[];
  readonly ends: number[];
  readonly times: number[];
  readonly lanes: number[];
  /** Records linked by equal keys: the first of each key, and the one that follows each record, -1 = none. */
  readonly firsts: number[];
  readonly following: number[];
  /** The last record of each key, by the key's bytes as Latin-1. */
  readonly newest: Map<string, number>;
  /** Of all records together. */
  bytes: number;
}

export const emptyWindow = (): RecordWindow => ({
  ...{ blocks: [], starts: [], ends: [], times: [], lanes: [], firsts: [], following: [] },
  newest: new Map(),
  bytes: 0,
});

/** Adds a record behind those that are there. It keeps the record's block alive. */
export function addRecord(window: RecordWindow, record: RecordView, lane: number, time: number): void {
  const { block, start, end, keyStart, keyEnd } = record;
  const { newest, firsts, following } = window;
  const at = window.starts.length;
  window.blocks.push(block);
  window.starts.push(start);
  window.ends.push(end);
  window.times.push(time);
  window.lanes.push(lane);
  following.push(-1);
  window.bytes += end - start;
  const key = keyStart < 0 ? '' : block.toString('latin1', keyStart, keyEnd);
  const known = newest.get(key);
  if (known === undefined) firsts.push(at);
  else following[known] = at;
  newest.set(key, at);
}

export const recordIn = ({ blocks, starts, ends }: RecordWindow, at: number): RecordView =>
  new RecordView(new AvroReader(blocks[at]!, starts[at]!, ends[at]!));
