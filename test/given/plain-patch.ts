import { isDeepStrictEqual } from 'node:util';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: Json;
}

/** What an operation could not do, as events tell it. */
export class DoesNotApply extends Error {}

/**
 * RFC 6902 for patches of `add`, `replace`, `remove` and `test` over members of objects: what the tests send. A member that
 * is replaced stands last.
 */
export function plainPatch(value: string, patch: string): string {
  const root = { '': valueIn(value) };
  for (const [at, { op, path, value: given }] of (JSON.parse(patch) as Operation[]).entries()) {
    const names = path.split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = names.pop()!;
    let parent: Record<string, Json> = root;
    for (const name of names) {
      const inner = parent[name];
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner))
        throw new DoesNotApply(`operation ${at} does not apply`);
      parent = inner;
    }
    const there = Object.hasOwn(parent, last);
    if (op !== 'add' && !there) throw new DoesNotApply(`operation ${at} does not apply`);
    if (op === 'test' && !isDeepStrictEqual(parent[last], given))
      throw new DoesNotApply(`operation ${at} does not apply`);
    if (op === 'remove' || op === 'replace') delete parent[last];
    if (op === 'add' || op === 'replace') parent[last] = structuredClone(given!);
  }
  return JSON.stringify(root['']);
}

function valueIn(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new DoesNotApply('the value before is not JSON', { cause: error });
  }
}
