/**
 * RFC 6901 pointers to the first `most` members in which two JSON values differ, depth first; a member that only one of them
 * has counts as one.
 */
export function differingPointers(expected: unknown, found: unknown, most: number): string[] {
  const pointers: string[] = [];
  const walk = (a: unknown, b: unknown, pointer: string): void => {
    if (pointers.length >= most || Object.is(a, b)) return;
    if (
      typeof a !== 'object' ||
      typeof b !== 'object' ||
      a === null ||
      b === null ||
      Array.isArray(a) !== Array.isArray(b)
    ) {
      pointers.push(pointer);
      return;
    }
    const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
    for (const key of new Set([...left.keys(), ...right.keys()]))
      walk(left.get(key), right.get(key), `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  };
  walk(expected, found, '');
  return pointers;
}
