/**
 * Runs `work` on the items, at most `atOnceMax` at a time, and yields the results in the order of the items. No item is
 * taken before there is room for it. A rejection is thrown at its place; what still runs is waited for and dropped.
 */
export async function* inOrder<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnceMax: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      running.push(work(item));
      if (running.length < atOnceMax) continue;
      yield await running[0]!;
      running.shift();
    }
    while (running.length > 0) {
      yield await running[0]!;
      running.shift();
    }
  } finally {
    await Promise.allSettled(running);
  }
}
