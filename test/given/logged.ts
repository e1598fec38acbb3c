import { expect } from 'vitest';
import type { LoggedEvent } from '../contracts/publisher.contract.ts';

/** Events of these entities in the log of a server, oldest first, once `enough` holds of them. */
export async function loggedAt(
  address: string,
  urns: readonly string[],
  enough: (events: readonly LoggedEvent[]) => boolean,
  timeoutMs = 30_000,
): Promise<readonly LoggedEvent[]> {
  let events: readonly LoggedEvent[] = [];
  await expect
    .poll(
      async () => {
        const query = new URLSearchParams([
          ...urns.map((urn): [string, string] => ['urn', urn]),
          ...Object.entries({ order: 'asc', limit: '1000' }),
        ]);
        const answer = await fetch(`${address}/v1/events?${query}`);
        const { items = [] } = (await answer.json()) as { items?: LoggedEvent[] };
        events = items;
        return enough(items);
      },
      { timeout: timeoutMs, message: `in the log: ${JSON.stringify(events).slice(0, 2_000)}` },
    )
    .toBe(true);
  return events;
}
