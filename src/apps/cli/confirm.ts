import { createInterface } from 'node:readline/promises';
import { faults } from '../../domain/fault.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import type { Session } from './session.ts';

/**
 * Returns once somebody said yes: `--yes`, or an answer in a terminal. Throws `NOT_CONFIRMED` otherwise, before anything
 * was changed.
 */
export async function confirm(session: Session, question: string, yes: boolean): Promise<void> {
  if (yes) return;
  const { stdin, stderr, signal } = session.io;
  const { about, doThis } = faults.NOT_CONFIRMED;
  const refused = new Failure({ code: 'NOT_CONFIRMED', detail: about, doThis }, exitCodes.usage);
  if (stdin.isTTY !== true || stderr.isTTY !== true) throw refused;
  const asking = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await asking.question(`${question} (y/N) `, { signal });
    if (!/^\s*y(?:es)?\s*$/i.test(answer)) throw refused;
  } finally {
    asking.close();
  }
}
