import { arrivals } from './arrivals.ts';
import { beats } from './beats.ts';
import { contracts, loyaltyWords, offers, words } from './governance.ts';
import { jobArrivals } from './jobs.ts';
import { mishaps } from './mishaps.ts';
import { runs } from './runs.ts';
import { type Log, openScribe, tellAll } from './scribe.ts';
import { upkeep } from './upkeep.ts';
import { usage } from './usage.ts';

const seed = 20_250_401;

/** Eighteen months of the company, from 1 April 2025 to 30 September 2026: the same records every time. */
export function tellStory(): Log {
  const { scribe, log } = openScribe(seed);
  tellAll(scribe, [
    words,
    ...arrivals,
    ...jobArrivals,
    ...offers,
    ...contracts,
    loyaltyWords,
    ...upkeep(seed + 1),
    ...beats,
    ...mishaps,
    ...runs(seed + 2),
    ...usage(seed + 3),
  ]);
  return log();
}
