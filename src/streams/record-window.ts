import { AvroReader } from '../formats/avro-bytes.ts';
import { RecordView } from '../formats/record-view.ts';

/** Of a record: number of its block, where its bytes lie there, its lane, and the next record of its key. */
const [blockAt, startAt, endAt, laneAt, followingAt, columns] = [0, 1, 2, 3, 4, 5];
const recordsAtFirst = 4_096;
const copiesBytes = 1024 * 1024;

/**
 * Records that are folded together, as columns outside of the collector's heap: views of all of them would be moved by it, one
 * after the other, and live until it looks at everything.
 */
export interface RecordWindow {
  /** So many records are in it. */
  size: number;
  readonly blocks: Buffer[];
  places: Int32Array;
  /** Append times made monotone, UTC milliseconds. */
  times: Float64Array;
  /** The first record of each key; those that follow it are linked. */
  readonly firsts: number[];
  /** The last record of each key, by the key's bytes as Latin-1. */
  readonly newest: Map<string, number>;
  /** Of all records together. */
  bytes: number;
}

export const emptyWindow = (): RecordWindow => ({
  ...{ size: 0, blocks: [], firsts: [], newest: new Map(), bytes: 0 },
  places: new Int32Array(recordsAtFirst * columns),
  times: new Float64Array(recordsAtFirst),
});

/** Adds a record behind those that are there. It keeps the record's block alive. */
export function addRecord(window: RecordWindow, record: RecordView, lane: number, time: number): void {
  const { block, start, end, keyStart, keyEnd } = record;
  const { newest, firsts, blocks } = window;
  const at = window.size;
  if (at === window.times.length) grow(window);
  if (blocks.at(-1) !== block) blocks.push(block);
  const { places } = window;
  const place = at * columns;
  places[place + blockAt] = blocks.length - 1;
  places[place + startAt] = start;
  places[place + endAt] = end;
  places[place + laneAt] = lane;
  places[place + followingAt] = -1;
  window.times[at] = time;
  window.size = at + 1;
  window.bytes += end - start;
  const key = keyStart < 0 ? '' : block.toString('latin1', keyStart, keyEnd);
  const known = newest.get(key);
  if (known === undefined) firsts.push(at);
  else places[known * columns + followingAt] = at;
  newest.set(key, at);
}

function grow(window: RecordWindow): void {
  const places = new Int32Array(2 * window.places.length);
  places.set(window.places);
  const times = new Float64Array(2 * window.times.length);
  times.set(window.times);
  window.places = places;
  window.times = times;
}

export function recordIn({ blocks, places }: RecordWindow, at: number): RecordView {
  const place = at * columns;
  const block = blocks[places[place + blockAt]!]!;
  const end = places[place + endAt]!;
  return new RecordView(new AvroReader(block, places[place + startAt]!, end), end);
}

/** The lane a record came from, as a number that whoever added it knows. */
export const laneIn = ({ places }: RecordWindow, at: number): number => places[at * columns + laneAt]!;

/** The next record of the same key, −1 = none. */
export const followingIn = ({ places }: RecordWindow, at: number): number =>
  places[at * columns + followingAt]!;

/** Copies records one behind the other into memory of their own: of few of a history, the blocks they came in are let go. */
export function recordCopies(): (record: RecordView) => RecordView {
  let [copies, at] = [Buffer.alloc(0), 0];
  return ({ block, start, end }) => {
    const size = end - start;
    if (at + size > copies.length) [copies, at] = [Buffer.allocUnsafeSlow(Math.max(copiesBytes, size)), 0];
    block.copy(copies, at, start, end);
    at += size;
    return new RecordView(new AvroReader(copies, at - size, at));
  };
}
