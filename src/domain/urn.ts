import { limits } from './event.ts';

export type UrnFault =
  | 'URN_SHAPE'
  | 'URN_TOO_LONG'
  | 'URN_CONTROL_CHARACTER'
  | 'URN_NOT_NFC'
  | 'URN_TRAVERSAL'
  | 'URN_PARENTHESES';

const shape = /^urn:([a-z0-9][a-z0-9-]{0,31}):([A-Za-z][A-Za-z0-9]{0,63}):(.+)$/su;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused.
const control = /[\u0000-\u001f\u007f-\u009f]/u;
const dotSegment = /(?:^|[/\\,(:])(?:\.|%2e){2}(?:[/\\,):]|$)/iu;

/**
 * Why `urn` cannot name an entity, or undefined if it can: `urn:<nid>:<entity type>:<key>`, at most 512 bytes of UTF-8,
 * NFC, no control characters, balanced parentheses, no `..` path segment (plain or percent-encoded). Nothing is mended.
 */
export function urnFault(urn: string): UrnFault | undefined {
  if (urn.length > limits.urnBytesMax || Buffer.byteLength(urn) > limits.urnBytesMax) return 'URN_TOO_LONG';
  if (control.test(urn)) return 'URN_CONTROL_CHARACTER';
  if (!shape.test(urn) || !urn.isWellFormed()) return 'URN_SHAPE';
  if (urn.normalize('NFC') !== urn) return 'URN_NOT_NFC';
  if (dotSegment.test(urn)) return 'URN_TRAVERSAL';
  let depth = 0;
  for (const character of urn) {
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    if (depth < 0) return 'URN_PARENTHESES';
  }
  return depth === 0 ? undefined : 'URN_PARENTHESES';
}

/** Entity type of a valid URN: its third part. */
export const entityTypeOf = (urn: string): string => urn.split(':', 3)[2] ?? '';

/**
 * The parts of a valid URN's key, outermost commas only: `(a,(b,c),d)` → `a`, `(b,c)`, `d`; a plain key is one part.
 */
export function urnParts(urn: string): readonly string[] {
  const key = urn.slice(placeAfterColons(urn, 3));
  if (!key.startsWith('(') || !key.endsWith(')')) return [key];
  const parts: string[] = [];
  let depth = 0;
  let start = 1;
  for (let at = 1; at < key.length - 1; at += 1) {
    const code = key.charCodeAt(at);
    if (code === open) depth += 1;
    else if (code === close) depth -= 1;
    else if (code === comma && depth === 0) {
      parts.push(key.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(key.slice(start, -1));
  return parts;
}

/** The table of a column, `urn:li:schemaField:(<table>,<path>)`; undefined for what is no column. */
export function tableOf(urn: string): string | undefined {
  if (!urn.startsWith('urn:li:schemaField:(')) return undefined;
  const [table = '', ...path] = urnParts(urn);
  return table.startsWith('urn:') && path.length > 0 ? table : undefined;
}

const [open, close, comma] = [0x28, 0x29, 0x2c];

/** Behind the `count`-th colon; the end where there are fewer. */
function placeAfterColons(text: string, count: number): number {
  let at = 0;
  for (let colons = 0; colons < count; colons += 1) {
    const colon = text.indexOf(':', at);
    if (colon < 0) return text.length;
    at = colon + 1;
  }
  return at;
}
