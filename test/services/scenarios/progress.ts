import { setTimeout as pause } from 'node:timers/promises';
import type { AnnalProcess } from './annal-process.ts';

export interface ProjectionItem {
  readonly projection: string;
  readonly state: string;
  readonly lag: number;
  readonly documents: number;
  readonly cut: string | null;
  readonly version: number;
  readonly programVersion: number;
  readonly index: string;
  readonly kept: { readonly index: string; readonly version: number; readonly lag: number } | null;
}

const lookMs = 100;

/** Asks until `look` gives something; fails with what it said last. */
export async function eventually<T>(
  what: string,
  waitMs: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + waitMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${waitMs} ms`, { cause: last });
    await pause(lookMs);
  }
}

export async function projectionsOf(process: AnnalProcess): Promise<readonly ProjectionItem[]> {
  const { status, body } = await process.call('GET', '/v1/projections');
  if (status !== 200) throw new Error(`/v1/projections answered ${status}: ${JSON.stringify(body)}`);
  return body.items as ProjectionItem[];
}

/** Waits until every read model serves and shows all that the log holds. */
export const caughtUp = (process: AnnalProcess, waitMs = 60_000): Promise<readonly ProjectionItem[]> =>
  eventually('read models as far as the log', waitMs, async () => {
    const items = await projectionsOf(process);
    const all = items.every(({ state, lag }) => state === 'following' && lag === 0);
    if (!all) throw new Error(JSON.stringify(items));
    return items;
  });

/** Codes that `/readyz` gives; none when it is ready. */
export async function missingAt(process: AnnalProcess): Promise<readonly string[]> {
  const { body } = await process.call('GET', '/readyz');
  return [...new Set((body.reasons as { code: string }[]).map(({ code }) => code))];
}

/** Waits until the archive is as far as the log. */
export const archived = (process: AnnalProcess, waitMs = 60_000): Promise<unknown> =>
  eventually('the archive as far as the log', waitMs, async () => {
    const metrics = await (await fetch(`${process.address}/metrics`)).text();
    const lags = [...metrics.matchAll(/^annal_archive_lag_events\{.*\} (.*)$/gm)].map(([, lag]) =>
      Number(lag),
    );
    if (lags.length === 0 || lags.some((lag) => lag > 0)) throw new Error(`lags ${lags.join(' ')}`);
    return true;
  });
