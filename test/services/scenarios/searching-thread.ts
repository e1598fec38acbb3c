// Sends searches at a rate until it is told to stop, and tells what became of each.
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { searchForTable } from './search-of-table.ts';
import type { SearchOrder, SearchTold } from './searching.ts';

const order = workerData as SearchOrder;
const { perSecond } = order;
const port = parentPort!;

/** An answer that does not come within it is none. */
const answerMs = 30_000;
const aboveNormal = -10;

// Whoever searches sits elsewhere, and is not kept waiting by what runs here. On Linux it is this thread's alone.
try {
  setPriority(aboveNormal);
} catch {
  // Only who may: else what it waits for a processor counts as well.
}

const underway = new Set<Promise<void>>();
const began = performance.now();
let all = 0;

async function send(nth: number): Promise<void> {
  const sentAt = performance.now();
  port.postMessage({ nth } satisfies SearchTold);
  let told: Omit<SearchTold, 'nth' | 'tookMs'>;
  try {
    const lacks = await searchForTable(order, nth, AbortSignal.timeout(answerMs));
    told = lacks === undefined ? {} : { empty: lacks };
  } catch (error) {
    told = { failed: String(error) };
  }
  port.postMessage({ nth, tookMs: performance.now() - sentAt, ...told } satisfies SearchTold);
}

const timer = setInterval(() => {
  const due = ((performance.now() - began) / 1_000) * perSecond;
  while (all < due) {
    const sent = send(all).finally(() => underway.delete(sent));
    underway.add(sent);
    all += 1;
  }
}, 1_000 / perSecond);

port.once('message', async () => {
  clearInterval(timer);
  await Promise.all(underway);
  port.close();
});
