import { applyPatch, type Operation } from 'rfc6902';
import type { PatchResult } from '../domain/entity-state.ts';
import { limits } from '../domain/event.ts';

const operations = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);
const operationsMax = 1_000;

/** Why a parsed JSON value is no RFC 6902 document that we apply, or undefined. */
export function patchFault(patch: unknown): string | undefined {
  if (!Array.isArray(patch)) return 'not an array of operations';
  if (patch.length > operationsMax) return `more than ${operationsMax} operations`;
  for (const [at, operation] of patch.entries()) {
    if (typeof operation !== 'object' || operation === null) return `operation ${at} is not an object`;
    const { op, path, from } = operation as Record<string, unknown>;
    if (typeof op !== 'string' || !operations.has(op)) return `operation ${at} has no known "op"`;
    for (const pointer of op === 'move' || op === 'copy' ? [path, from] : [path]) {
      if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/')))
        return `operation ${at} has no JSON pointer`;
      if (
        pointer
          .split('/')
          .some((token) => token === '__proto__' || token === 'constructor' || token === 'prototype')
      )
        return `operation ${at} names a forbidden key`;
    }
    if ((op === 'add' || op === 'replace' || op === 'test') && !Object.hasOwn(operation, 'value'))
      return `operation ${at} has no "value"`;
  }
  return undefined;
}

/**
 * Applies an RFC 6902 document (UTF-8 JSON) to a value (UTF-8 JSON), whole or not at all. The result is at most 768 KiB
 * and spelled as `JSON.stringify` spells it. Pure: the same two texts give the same bytes for ever.
 */
export function patchValue(value: Uint8Array, patch: Uint8Array): PatchResult {
  const operationsToApply: unknown = parse(patch);
  const fault = patchFault(operationsToApply);
  if (fault !== undefined) return { ok: false, reason: fault };
  const holder = { value: parse(value) };
  if (holder.value === undefined) return { ok: false, reason: 'the value before is not JSON' };
  const prefixed = (operationsToApply as (Operation & { from?: string })[]).map((operation) => ({
    ...operation,
    path: `/value${operation.path}`,
    ...(operation.from === undefined ? {} : { from: `/value${operation.from}` }),
  }));
  const failed = applyPatch(holder, prefixed as Operation[]).findIndex((error) => error !== null);
  if (failed >= 0) return { ok: false, reason: `operation ${failed} does not apply` };
  if (holder.value === undefined) return { ok: false, reason: 'the patch removes the whole value' };
  const text = Buffer.from(JSON.stringify(holder.value));
  return text.length <= limits.valueBytesMax
    ? { ok: true, value: text }
    : { ok: false, reason: `the result exceeds ${limits.valueBytesMax} bytes` };
}

function parse(text: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8'));
  } catch (error) {
    // Bytes that are no JSON are a finding about the data, reported by the caller; anything else is ours.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
