import { createHash } from 'node:crypto';
import type { Header, LogRecord } from '../domain/event.ts';
import { formatPosition, type Position, parsePosition } from '../domain/position.ts';
import { asBuffer } from './avro-bytes.ts';
import { leafHash, leafTextOf } from './leaf.ts';
import { encodeRecord } from './segment.ts';

/** A record as it is appended to a topic. */
type Given = Pick<LogRecord, 'key' | 'value' | 'headers'>;

const positionName = Buffer.from('annal-original-position');
const timeName = Buffer.from('annal-original-time');
const registryIdName = Buffer.from('annal-original-registry-id');
const framingBytes = 5;
const registryIdMax = 0xffff_ffff;
const decimal = /^(?:0|-?[1-9][0-9]{0,15})$/;

/** An archived record, and where it stood in the log. */
export interface Original {
  readonly position: Position;
  readonly record: LogRecord;
}

const isFramed = (value: Uint8Array): boolean => value.length >= framingBytes && value[0] === 0;

const registryIdOf = (value: Uint8Array): number => asBuffer(value).readUInt32BE(1);

function withRegistryId(value: Uint8Array, id: number): Buffer {
  const framed = Buffer.from(value);
  framed.writeUInt32BE(id, 1);
  return framed;
}

/**
 * The record as readers outside get it (docs/formats/restored.md): key and value as they were, headers as they were, and behind
 * them where it stood and when it was appended. `registryId`: under which readers find its schema now; where its framing names
 * another one, that travels in a header. Undefined, or a value without framing: the bytes stay as they are.
 */
export function toRestored({ position, record }: Original, registryId?: number): Given {
  const { key, value, headers, appendTime } = record;
  const added: Header[] = [
    [positionName, Buffer.from(formatPosition(position))],
    [timeName, Buffer.from(String(appendTime))],
  ];
  const other =
    registryId !== undefined && value !== null && isFramed(value) ? registryIdOf(value) : undefined;
  if (other === undefined || other === registryId) return { key, value, headers: [...headers, ...added] };
  added.push([registryIdName, Buffer.from(String(other))]);
  return { key, value: withRegistryId(value!, registryId!), headers: [...headers, ...added] };
}

const textOf = ([, value]: Header): string | undefined =>
  value === null ? undefined : asBuffer(value).toString('latin1');

/** A whole number in the one decimal spelling. */
function wholeIn(text: string | undefined): number | undefined {
  const value = text !== undefined && decimal.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** What was archived, made from a record of a restored topic. Undefined where its headers do not say it. */
export function fromRestored({ key, value, headers }: Given): Original | undefined {
  const at = headers.findLastIndex(([name]) => positionName.equals(name));
  const [first, second, third, ...more] = headers.slice(Math.max(0, at));
  if (at < 0 || first === undefined || second === undefined || more.length > 0) return undefined;
  if (!timeName.equals(second[0])) return undefined;
  const position = parsePosition(textOf(first) ?? '');
  const appendTime = wholeIn(textOf(second));
  if (position === undefined || appendTime === undefined) return undefined;
  const record = { offset: position.offset, appendTime, key, value, headers: headers.slice(0, at) };
  if (third === undefined) return { position, record };
  const id = registryIdName.equals(third[0]) ? (wholeIn(textOf(third)) ?? -1) : -1;
  if (id < 0 || id > registryIdMax || value === null || !isFramed(value)) return undefined;
  return { position, record: { ...record, value: withRegistryId(value, id) } };
}

/** The leaf hash of an archived record (docs/formats/leaf.md), by its Avro bytes as they stand in the file. */
export const originalHash = (position: Position, recordBytes: Uint8Array): Buffer =>
  leafHash(leafTextOf(position, recordBytes));

/**
 * The leaf hash that the archive has of a record, made from the restored one: equal only if position, append time, key, value
 * with its own framing, and headers in their order are those that were archived. Undefined where it says no position.
 */
export function restoredHash(
  restored: Given,
): { readonly position: Position; readonly hash: Buffer } | undefined {
  const original = fromRestored(restored);
  if (original === undefined) return undefined;
  const { position, record } = original;
  return { position, hash: originalHash(position, encodeRecord(record)) };
}

/** SHA-256 over the leaf hashes of records, one after the other, in 64 hexadecimal digits. */
export interface Digest {
  readonly records: number;
  readonly digest: string;
}

const noLeaf = Buffer.alloc(32);

/** Counts and hashes; undefined is a record that does not say where it stood. */
export function leafDigest(): { add(leaf: Buffer | undefined): void; told(): Digest } {
  const sum = createHash('sha256');
  let records = 0;
  return {
    add(leaf) {
      records += 1;
      sum.update(leaf ?? noLeaf);
    },
    told: () => ({ records, digest: sum.copy().digest('hex') }),
  };
}
