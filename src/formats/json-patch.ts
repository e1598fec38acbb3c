import { isDeepStrictEqual } from 'node:util';
import type { PatchResult } from '../domain/entity-state.ts';
import { limits } from '../domain/event.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: readonly string[]; readonly value: Json }
  | { readonly op: 'remove'; readonly path: readonly string[] }
  | { readonly op: 'move' | 'copy'; readonly path: readonly string[]; readonly from: readonly string[] };

/** What does not apply, in words. Never leaves this file. */
class Unfit extends Error {}

const operationsMax = 1_000;
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
const arrayIndex = /^(?:0|[1-9][0-9]{0,9})$/u;

/** Why a parsed JSON value is no RFC 6902 document that we apply, or undefined. */
export function patchFault(patch: unknown): string | undefined {
  try {
    readPatch(patch);
    return undefined;
  } catch (error) {
    if (error instanceof Unfit) return error.message;
    throw error;
  }
}

/**
 * Applies an RFC 6902 document (UTF-8 JSON) to a value (UTF-8 JSON), whole or not at all. The result is at most 768 KiB
 * and spelled as `JSON.stringify` spells it. Pure: the outcome of a PATCH is part of history, so the same two texts must
 * give the same bytes for ever, which no library promises.
 */
export function patchValue(value: Uint8Array, patch: Uint8Array): PatchResult {
  try {
    let document = parse(value, 'the value before is not JSON');
    for (const [at, operation] of readPatch(parse(patch, 'the patch is not JSON')).entries())
      document = apply(document, operation, at);
    const text = Buffer.from(JSON.stringify(document));
    if (text.length > limits.valueBytesMax)
      throw new Unfit(`the result exceeds ${limits.valueBytesMax} bytes`);
    return { ok: true, value: text };
  } catch (error) {
    if (error instanceof Unfit) return { ok: false, reason: error.message };
    throw error;
  }
}

function parse(text: Uint8Array, reason: string): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text)) as Json;
  } catch (error) {
    // The decoder throws TypeError, the parser SyntaxError: findings about the data, told by the caller.
    if (error instanceof SyntaxError || error instanceof TypeError) throw new Unfit(reason);
    throw error;
  }
}

function readPatch(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) throw new Unfit('not an array of operations');
  if (patch.length > operationsMax) throw new Unfit(`more than ${operationsMax} operations`);
  return patch.map((operation: unknown, at): Operation => {
    if (typeof operation !== 'object' || operation === null)
      throw new Unfit(`operation ${at} is not an object`);
    const { op, path, from, value } = operation as Record<string, unknown>;
    switch (op) {
      case 'add':
      case 'replace':
      case 'test':
        if (!Object.hasOwn(operation, 'value')) throw new Unfit(`operation ${at} has no "value"`);
        return { op, path: tokens(path, at), value: value as Json };
      case 'remove':
        return { op, path: tokens(path, at) };
      case 'move':
      case 'copy':
        return { op, path: tokens(path, at), from: tokens(from, at) };
      default:
        throw new Unfit(`operation ${at} has no known "op"`);
    }
  });
}

/** The tokens of an RFC 6901 pointer. */
function tokens(pointer: unknown, at: number): string[] {
  if (
    typeof pointer !== 'string' ||
    (pointer !== '' && !pointer.startsWith('/')) ||
    /~(?![01])/u.test(pointer)
  )
    throw new Unfit(`operation ${at} has no JSON pointer`);
  const found = pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (found.some((token) => forbidden.has(token))) throw new Unfit(`operation ${at} names a forbidden key`);
  return found;
}

function apply(document: Json, operation: Operation, at: number): Json {
  const unfit = (): Unfit => new Unfit(`operation ${at} does not apply`);
  switch (operation.op) {
    case 'test':
      if (!isDeepStrictEqual(read(document, operation.path, unfit), operation.value)) throw unfit();
      return document;
    case 'add':
      return add(document, operation.path, operation.value, unfit);
    case 'replace':
      read(document, operation.path, unfit);
      return operation.path.length === 0
        ? operation.value
        : add(remove(document, operation.path, unfit), operation.path, operation.value, unfit);
    case 'remove':
      return remove(document, operation.path, unfit);
    case 'copy':
      return add(document, operation.path, structuredClone(read(document, operation.from, unfit)), unfit);
    case 'move': {
      const isInside = operation.from.every((token, depth) => operation.path[depth] === token);
      if (isInside && operation.path.length > operation.from.length) throw unfit();
      const moved = read(document, operation.from, unfit);
      if (isInside) return document;
      return add(remove(document, operation.from, unfit), operation.path, moved, unfit);
    }
  }
}

function read(document: Json, path: readonly string[], unfit: () => Unfit): Json {
  let found = document;
  for (const token of path) {
    if (typeof found !== 'object' || found === null) throw unfit();
    const inner = Array.isArray(found)
      ? arrayIndex.test(token)
        ? found[Number(token)]
        : undefined
      : Object.hasOwn(found, token)
        ? found[token]
        : undefined;
    if (inner === undefined) throw unfit();
    found = inner;
  }
  return found;
}

function add(document: Json, path: readonly string[], value: Json, unfit: () => Unfit): Json {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1), unfit);
  if (typeof parent !== 'object' || parent === null) throw unfit();
  if (!Array.isArray(parent)) parent[last] = value;
  else if (last === '-') parent.push(value);
  else if (arrayIndex.test(last) && Number(last) <= parent.length) parent.splice(Number(last), 0, value);
  else throw unfit();
  return document;
}

function remove(document: Json, path: readonly string[], unfit: () => Unfit): Json {
  const last = path.at(-1);
  if (last === undefined) throw unfit();
  read(document, path, unfit);
  const parent = read(document, path.slice(0, -1), unfit);
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as Record<string, Json>)[last];
  return document;
}
