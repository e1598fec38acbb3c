import type { Parcel, Transport } from './transport.ts';

/**
 * The first of `queue` that may travel together: at least one, within the bounds of the transport, and no two changes of the
 * same aspect of the same entity, since of one sending the first may have to come again after the second was taken.
 */
export function nextBatch<T extends { readonly parcel: Parcel }>(
  queue: readonly T[],
  { changesMax, bytesMax }: Pick<Transport, 'changesMax' | 'bytesMax'>,
): readonly T[] {
  const aspects = new Map<string, Set<string | null>>();
  let bytes = 0;
  for (const [at, { parcel }] of queue.entries()) {
    const { urn, aspect = null } = parcel.change;
    bytes += parcel.bytes.length;
    const others = aspects.get(urn);
    // A deletion of the whole entity touches all its aspects.
    const meets = others !== undefined && (aspect === null || others.has(null) || others.has(aspect));
    if (at > 0 && (at >= changesMax || bytes > bytesMax || meets)) return queue.slice(0, at);
    if (others === undefined) aspects.set(urn, new Set([aspect]));
    else others.add(aspect);
  }
  return queue.slice();
}
