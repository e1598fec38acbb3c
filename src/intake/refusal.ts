import type { FaultCode } from '../domain/fault.ts';

/**
 * Why an event may not enter the log. `pointer` is RFC 6901, within the event (within the body where the body as a whole
 * is refused). `detail` is a sentence for people; it names members, bounds and aspects, never what a value holds.
 */
export interface Refusal {
  readonly code: FaultCode;
  readonly pointer: string;
  readonly detail: string;
}

/** Carries a refusal out of the checks of one event. Never leaves intake. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(code: FaultCode, pointer: string, detail: string) {
    super(code);
    this.name = 'Refused';
    this.refusal = { code, pointer, detail };
  }
}

const shownCharsMax = 80;

/** Untrusted text as it may stand in a `detail`: bounded, quoted, control characters escaped. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text);

/** The pointer to a member or element of what `pointer` leads to. */
export const below = (pointer: string, part: string | number): string =>
  `${pointer}/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** What `work` answers, or the refusal it threw. */
export function orRefusal<T>(work: () => T): { readonly taken: T } | { readonly refusal: Refusal } {
  try {
    return { taken: work() };
  } catch (error) {
    if (error instanceof Refused) return { refusal: error.refusal };
    throw error;
  }
}
