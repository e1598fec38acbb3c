/** Why bytes are no Thrift that a footer may hold. Caught where the footer is read, and nowhere else. */
export class BadThrift extends Error {
  /** It may be sound, and is more than is read. */
  readonly tooMuch: boolean;
  constructor(message: string, tooMuch = false) {
    super(message);
    this.tooMuch = tooMuch;
  }
}

/** A place in bytes that nobody vouches for, and how many values may still be read there. */
export interface ThriftCursor {
  readonly bytes: Buffer;
  at: number;
  depth: number;
  valuesLeft: number;
}

const depthMax = 16;
const varintBytesMax = 10;

export const thriftCursor = (bytes: Buffer, valuesMax: number): ThriftCursor => ({
  ...{ bytes, at: 0, depth: 0 },
  valuesLeft: valuesMax,
});

const kinds = { true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7, binary: 8 } as const;
const containers = { list: 9, set: 10, map: 11, struct: 12 } as const;

function byteAt(cursor: ThriftCursor): number {
  const byte = cursor.bytes[cursor.at];
  if (byte === undefined) throw new BadThrift('it ends within a value');
  cursor.at += 1;
  return byte;
}

function varint(cursor: ThriftCursor): bigint {
  let value = 0n;
  for (let i = 0; i < varintBytesMax; i += 1) {
    const byte = byteAt(cursor);
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return value;
  }
  throw new BadThrift('a number is longer than 64 bits');
}

function skipVarint(cursor: ThriftCursor): void {
  for (let i = 0; i < varintBytesMax; i += 1) if (byteAt(cursor) < 0x80) return;
  throw new BadThrift('a number is longer than 64 bits');
}

function smallVarint(cursor: ThriftCursor): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = byteAt(cursor);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  throw new BadThrift('a length is longer than 32 bits');
}

/** A whole number of 64 bits; beyond ±(2^53 − 1) it is rounded. */
export function thriftNumber(cursor: ThriftCursor): number {
  const value = varint(cursor);
  return Number(value & 1n ? -(value >> 1n) - 1n : value >> 1n);
}

/** A view into the cursor's bytes. */
export function thriftBinary(cursor: ThriftCursor): Buffer {
  const length = smallVarint(cursor);
  const start = cursor.at;
  if (length > cursor.bytes.length - start) throw new BadThrift('a text is longer than what is there');
  cursor.at = start + length;
  return cursor.bytes.subarray(start, cursor.at);
}

export const thriftText = (cursor: ThriftCursor): string => thriftBinary(cursor).toString('utf8');

function enter(cursor: ThriftCursor): void {
  cursor.depth += 1;
  if (cursor.depth > depthMax) throw new BadThrift(`nested deeper than ${depthMax}`, true);
}

function spend(cursor: ThriftCursor, count: number): void {
  cursor.valuesLeft -= count;
  if (cursor.valuesLeft < 0) throw new BadThrift('more values than are read', true);
}

/**
 * Reads a struct field by field. `visit` reads the value of a field it wants and answers true; what it leaves is passed
 * over. A boolean's value is its type: 1 = true, 2 = false, and there is nothing to read.
 */
export function eachField(cursor: ThriftCursor, visit: (id: number, type: number) => boolean): void {
  enter(cursor);
  for (let id = 0; ; ) {
    const head = byteAt(cursor);
    const type = head & 0x0f;
    if (type === 0) break;
    spend(cursor, 1);
    id = head >> 4 === 0 ? thriftNumber(cursor) : id + (head >> 4);
    if (!visit(id, type)) skip(cursor, type);
  }
  cursor.depth -= 1;
}

/** Reads a list item by item; `visit` reads each. Answers false, nothing read, where the items are of another type. */
export function eachItem(cursor: ThriftCursor, type: number, visit: (index: number) => void): boolean {
  const start = cursor.at;
  const { count, itemType } = listHead(cursor);
  if (itemType !== type && count > 0) {
    cursor.at = start;
    return false;
  }
  enter(cursor);
  for (let i = 0; i < count; i += 1) visit(i);
  cursor.depth -= 1;
  return true;
}

function listHead(cursor: ThriftCursor): { count: number; itemType: number } {
  const head = byteAt(cursor);
  const count = head >> 4 === 15 ? smallVarint(cursor) : head >> 4;
  // No item takes less than a byte, so a count that lies is seen before anything is read.
  if (count > cursor.bytes.length - cursor.at) throw new BadThrift('a list is longer than what is there');
  spend(cursor, count);
  return { count, itemType: head & 0x0f };
}

function forward(cursor: ThriftCursor, length: number): void {
  if (length > cursor.bytes.length - cursor.at) throw new BadThrift('it ends within a value');
  cursor.at += length;
}

function skip(cursor: ThriftCursor, type: number): void {
  const { byte, i16, i32, i64, double, binary } = kinds;
  const { list, set, struct } = containers;
  if (type === kinds.true || type === kinds.false) return;
  if (type === byte || type === double) forward(cursor, type === byte ? 1 : 8);
  else if (type === i16 || type === i32 || type === i64) skipVarint(cursor);
  else if (type === binary) thriftBinary(cursor);
  else if (type === list || type === set) skipItems(cursor);
  else if (type === struct) eachField(cursor, () => false);
  else throw new BadThrift(`type ${type} stands in no footer`);
}

function skipItems(cursor: ThriftCursor): void {
  const { count, itemType } = listHead(cursor);
  enter(cursor);
  for (let i = 0; i < count; i += 1) {
    // Within a list a truth value takes a byte of its own.
    if (itemType === kinds.true || itemType === kinds.false) forward(cursor, 1);
    else skip(cursor, itemType);
  }
  cursor.depth -= 1;
}

export const thriftTypes = { ...kinds, ...containers } as const;
