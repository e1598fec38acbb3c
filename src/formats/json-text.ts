import { isUtf8 } from 'node:buffer';
import type { FaultCode } from '../domain/fault.ts';
import { asBuffer } from './avro-bytes.ts';
import { JsonScanner } from './json-scanner.ts';

export type JsonFaultCode = Extract<
  FaultCode,
  'DUPLICATE_KEY' | 'JSON_INVALID' | 'JSON_TOO_DEEP' | 'JSON_TOO_LARGE' | 'KEY_FORBIDDEN' | 'NUMBER_LOSSY'
>;

/** Where a value stands: `bytes[start, end)` is its text without space around it. */
export interface JsonSpan {
  readonly kind: 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';
  readonly start: number;
  readonly end: number;
  /** Of an object above `spanDepth`: its members in order. */
  readonly members?: readonly JsonMember[];
  /** Of an array above `spanDepth`: its items in order. */
  readonly items?: readonly JsonSpan[];
}

export interface JsonMember {
  /** Unescaped. */
  readonly key: string;
  readonly value: JsonSpan;
}

export interface JsonScanOptions {
  /** Containers inside each other; a scalar alone has depth 0. Beyond: JSON_TOO_DEEP. 64 by default. */
  readonly depthMax?: number;
  /**
   * How many levels below the root get spans: 0 = the root alone, 2 (default) = array, objects, their
   * members.
   */
  readonly spanDepth?: number;
  /** Spans at most. Beyond: JSON_TOO_LARGE. 100,000 by default. */
  readonly spansMax?: number;
  /** Whether a key `__proto__` anywhere is KEY_FORBIDDEN. */
  readonly protoForbidden?: boolean;
  /** Looks for JSON_INVALID and the bounds alone: the content's faults are for a later scan of its parts. */
  readonly syntaxOnly?: boolean;
}

/** `at` is a byte offset; `pointer` the RFC 6901 pointer of the place, as far as it could be read. */
export type JsonVerdict =
  | { readonly verdict: 'accept'; readonly root: JsonSpan }
  | { readonly verdict: JsonFaultCode; readonly at: number; readonly pointer: string };

/**
 * Judges a JSON text in one pass, without recursion, and says where its values stand, so that they can be
 * cut out as they were sent. JSON_INVALID (strict UTF-8, exactly one RFC 8259 value, no BOM, no escaped
 * lone surrogate) outranks the faults of content; of those the leftmost is told: DUPLICATE_KEY, at the
 * second of two keys that are equal once unescaped; NUMBER_LOSSY, see `isLossy`; KEY_FORBIDDEN. The bounds
 * JSON_TOO_DEEP and JSON_TOO_LARGE end the scan where they are met.
 */
export function scanJson(bytes: Uint8Array, options: JsonScanOptions = {}): JsonVerdict {
  const buffer = asBuffer(bytes);
  if (!isUtf8(buffer)) return { verdict: 'JSON_INVALID', at: firstNotUtf8(buffer), pointer: '' };
  return new JsonScanner(buffer, options).scan();
}

/** The verdict alone. */
export const judgeJson = (bytes: Uint8Array, options: JsonScanOptions = {}): 'accept' | JsonFaultCode =>
  scanJson(bytes, { spanDepth: 0, ...options }).verdict;

/**
 * Length of the longest prefix that is UTF-8, by halving: prefixes are, give or take a cut character, up to
 * the fault.
 */
function firstNotUtf8(bytes: Buffer): number {
  const charBytesMax = 4;
  const validEnd = (end: number): number => {
    for (let cut = 0; cut < charBytesMax && cut <= end; cut++) {
      if (isUtf8(bytes.subarray(0, end - cut))) return end - cut;
    }
    return -1;
  };
  let [good, bad] = [0, bytes.length];
  if (validEnd(bad) >= 0) return validEnd(bad);
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (validEnd(middle) < 0) bad = middle;
    else good = middle;
  }
  return validEnd(good);
}
