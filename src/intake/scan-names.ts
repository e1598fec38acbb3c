import { basename } from 'node:path';
import { limits } from '../domain/event.ts';
import { uuid8 } from '../formats/uuid8.ts';

/**
 * Kept out of names: what ends a part of a URN, what people cannot see, and what this spelling itself uses; with them
 * the combining marks that would join what is put in their place.
 */
const unsafe = /[\p{C}\p{Z}%(),.~]\p{M}*|^\p{M}+/gu;
const datasetHead = 'urn:li:dataset:(urn:li:dataPlatform:file,';
const datasetTail = ',PROD)';
const containerHead = 'urn:li:container:';
const datasetNameBytesMax = limits.urnBytesMax - datasetHead.length - datasetTail.length;
const containerNameBytesMax = limits.urnBytesMax - containerHead.length - 37;
const digestLength = 37;
const sourceIdBytesMax = 128;

const percent = (characters: string): string =>
  Buffer.from(characters).reduce(
    (text, byte) => `${text}%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    '',
  );

/** One segment of a path as it stands in a URN: NFC; spaces, dots, `%`, `~`, commas, parentheses percent-encoded. */
export const encodeSegment = (segment: string): string => segment.normalize('NFC').replace(unsafe, percent);

/** A name that no URN may have: one step up, however it is spelt. */
const stepUp = encodeSegment('..');

/** Cuts a name that is too long and ends it with a digest of the whole, so that it stays one of its kind. */
function boundName(name: string, bytesMax: number): string {
  if (Buffer.byteLength(name) <= bytesMax && name !== stepUp) return name;
  const head = Buffer.from(name)
    .subarray(0, bytesMax - digestLength)
    .toString('utf8');
  return `${head.replace(/(?:\uFFFD|%[0-9A-F]?)$/u, '')}~${uuid8('annal-scan/name', name)}`;
}

/** A name within one source: path segments encoded and joined by dots. */
export const nameOf = (path: string): string => path.split('/').map(encodeSegment).join('.');

/** The name of the table that a whole source is. */
export const sourceName = (source: string): string => encodeSegment(source).replaceAll('/', '%2F');

/**
 * URN of the table named `name` (see `nameOf`): `urn:li:dataset:(urn:li:dataPlatform:file,shop.orders,PROD)`. At most 512
 * bytes; a longer name is cut and ends in `~` and a UUID made from it.
 */
export const datasetUrn = (name: string): string =>
  `${datasetHead}${boundName(name, datasetNameBytesMax)}${datasetTail}`;

/**
 * URN of a folder: `urn:li:container:shop.<UUID made from its path>`. The first level stands in front, so that rules on
 * URNs give the folder the namespace of what lies in it.
 */
export const containerUrn = (path: string): string =>
  `${containerHead}${boundName(encodeSegment(path.split('/', 1)[0]!), containerNameBytesMax)}.${uuid8('annal-scan/container', path)}`;

/**
 * Names a scanned source, by which a scan knows what it owns: `name` if given, else the last segment of `dir`. NFC, at
 * most 128 bytes. Two sources of one name would each delete what the other found: give them different names.
 */
export function scanSourceId(dir: string, name?: string): string {
  const wanted = (name ?? basename(dir.replace(/^(?:azure|blob):/, ''))).trim().toWellFormed();
  return boundName(
    wanted === '' ? 'root' : wanted.normalize('NFC').replace(/\p{C}/gu, percent),
    sourceIdBytesMax,
  );
}

const partWords = new Set([
  'part',
  'parts',
  'chunk',
  'shard',
  'batch',
  'file',
  'page',
  'run',
  'split',
  'data',
]);
// Numbers, dates and times, one letter before a number (`q1`, `c000`, `w52`), and long hexadecimal ids with a digit in them.
const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gu;
const saysNothing = /^(?:[a-z]?[0-9]+[tz]?|[0-9]{8}t[0-9]{4,9}z?|(?=[a-f]*[0-9])[0-9a-f]{4,64})$/u;

/**
 * Whether a file's name (without extension) only numbers a part of the table its folder is: nothing but numbers, dates,
 * ids, words like `part`, and the folder's own name (`orders/2024-01`, `orders/part-00003-c000`, `orders/orders_2`). The
 * name alone decides, never its neighbours, so that one more file does not change what the others are.
 */
export function isPartName(stem: string, folder: string): boolean {
  const own = new Set(folder.toLowerCase().split(/[^\p{L}\p{N}]+/u));
  const words = stem
    .toLowerCase()
    .replace(uuid, '0')
    .split(/[^\p{L}\p{N}]+/u);
  if (!words.some((word) => saysNothing.test(word))) return false;
  return words.every((word) => word === '' || saysNothing.test(word) || partWords.has(word) || own.has(word));
}

/** The key of a partition folder, `day` for `day=2024-05-01`; undefined for other folders. */
export const partitionKey = (folder: string): string | undefined => /^([^=]+)=/u.exec(folder)?.[1];

export const lastSegment = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
