import { isPublishError, type PublishError } from './publish-error.ts';
import type { Parcel, Verdict } from './transport.ts';

/**
 * Sends what may be more than one sending can be, or hold something that spoils it for the others: what is refused as a whole for
 * good goes again in halves, until the one that is meant stands alone. `isOfAll`: what concerns every sender alike, or passes.
 */
export async function divided(
  parcels: readonly Parcel[],
  send: (parcels: readonly Parcel[]) => Promise<readonly Verdict[]>,
  isOfAll: (error: PublishError) => boolean,
): Promise<readonly Verdict[]> {
  try {
    return await send(parcels);
  } catch (refused) {
    if (!isPublishError(refused) || isOfAll(refused)) throw refused;
    if (parcels.length === 1) return [{ refused }];
  }
  const half = parcels.length >> 1;
  const first = await divided(parcels.slice(0, half), send, isOfAll);
  const others = parcels.slice(half);
  try {
    return [...first, ...(await divided(others, send, isOfAll))];
  } catch (refused) {
    if (!isPublishError(refused)) throw refused;
    // It is no word about those that were judged before.
    return [...first, ...others.map(() => ({ refused }))];
  }
}
