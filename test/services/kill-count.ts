import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** File in which a run of the whole suite gathers what was killed: set by `npm run test:services`. */
export const killsVariable = 'ANNAL_TEST_KILLS_FILE';

/**
 * A whole run kills or stops at least so many processes that work on real servers, Annal's or a server itself, and compares
 * what is left with what a second fold makes of what was acknowledged.
 */
export const killsMin = 30;

/** Notes one process that the system has seen dead (SIGKILL) or standing still (SIGSTOP), by what it was doing. */
export function countKill(signal: 'SIGKILL' | 'SIGSTOP', doing: string): void {
  const file = process.env[killsVariable];
  if (file !== undefined) appendFileSync(file, `${signal} ${doing}\n`);
}

/** What a run gathered: how many in all, and a line for people. */
export function killsIn(file: string): { readonly count: number; readonly told: string } {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').filter(Boolean) : [];
  const bySignal = Map.groupBy(lines, (line) => line.split(' ', 1)[0]!);
  const parts = [...bySignal].sort().map(([signal, own]) => `${own.length} by ${signal}`);
  return {
    count: lines.length,
    told: `${lines.length} processes killed or stopped on real servers${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`,
  };
}
