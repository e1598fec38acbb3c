import { isFault } from '../domain/fault.ts';

/** Of what the streams tell; a plain fact where it is none of these. */
const levels: Readonly<Record<string, 'warn' | 'error' | 'debug' | 'info'>> = {
  flushed: 'debug',
  progress: 'debug',
  session: 'info',
  yielded: 'info',
  hole: 'error',
  gap: 'error',
  fault: 'warn',
};

/** A fault among facts becomes its code and sentence. */
export const told = (facts: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(facts).flatMap(([name, fact]) =>
      isFault(fact)
        ? [
            ['code', fact.code],
            ['error', fact.message],
          ]
        : [[name, fact]],
    ),
  );

export const levelOf = (kind: string): 'warn' | 'error' | 'debug' | 'info' => levels[kind] ?? 'info';
