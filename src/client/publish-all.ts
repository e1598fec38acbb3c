import type { Change, Published } from './change.ts';
import { isPublishError, type PublishError } from './publish-error.ts';
import type { Publisher } from './publisher.ts';

export type PublishOutcome =
  | { readonly change: Change; readonly published: Published }
  | { readonly change: Change; readonly refused: PublishError };

/** Outcomes that nobody took yet. */
const aheadMax = 1_000;

/**
 * Publishes what `changes` gives and yields what became of each, in order. It takes the next one only while there is room, and
 * gets no further than 1,000 ahead of whoever reads the outcomes. Rejects with the signal's reason.
 */
export async function* publishAll(
  publisher: Publisher,
  changes: Iterable<Change> | AsyncIterable<Change>,
  signal?: AbortSignal,
): AsyncGenerator<PublishOutcome> {
  const ahead: Promise<PublishOutcome>[] = [];
  const outcome = async (change: Change): Promise<PublishOutcome> => {
    try {
      return { change, published: await publisher.publish(change, signal === undefined ? {} : { signal }) };
    } catch (refused) {
      if (isPublishError(refused)) return { change, refused };
      throw refused;
    }
  };
  for await (const change of changes) {
    while (ahead.length > 0 && (!publisher.hasRoom || ahead.length >= aheadMax)) yield await ahead.shift()!;
    // Others who waited may have taken the room by now.
    do await publisher.room(signal);
    while (!publisher.hasRoom);
    const next = outcome(change);
    next.catch(() => {}); // It is told when its turn comes.
    ahead.push(next);
  }
  for (const one of ahead) yield await one;
}
