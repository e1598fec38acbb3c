import type { Random } from './random.ts';
import { probes, reads, writes } from './steps.ts';

/**
 * What becomes of one call. The process dies before it asks or once it was done; it stands still before it asks (and asks
 * afterwards, with what it knew) or before it hears; the request or the answer is lost; or it is told so, and the request
 * arrives long after.
 */
export type Fate =
  | 'crash before'
  | 'crash after'
  | 'pause before'
  | 'pause after'
  | 'request lost'
  | 'reply lost'
  | 'late';

const anywhere = ['crash before', 'crash after', 'pause before', 'pause after', 'request lost'] as const;
const ofWrites = [...anywhere, 'reply lost', 'late'] as const;
const ofProbes = ['crash before', 'pause before'] as const;

export interface Cell {
  readonly step: string;
  readonly fate: Fate;
}

export const nameOf = ({ step, fate }: Cell): string => `${fate} | ${step}`;

const cross = (steps: readonly string[], fates: readonly Fate[]): Cell[] =>
  steps.flatMap((step) => fates.map((fate) => ({ step, fate })));

/** Everything that may befall an archiver at one of its steps; each has to be seen. */
export const cells: readonly Cell[] = [
  ...cross(writes, ofWrites),
  ...cross(reads, anywhere),
  ...cross(probes, ofProbes),
];

const isWrite = new Set<string>(writes);
const isProbe = new Set<string>(probes);
const allowed = (step: string): readonly Fate[] =>
  isProbe.has(step) ? ofProbes : isWrite.has(step) ? ofWrites : anywhere;

export interface Fates {
  /** Undefined: all goes well. */
  of(step: string): Fate | undefined;
  /** Nothing befalls anybody any more. */
  calm(): void;
}

/** One fate is meant for the `nth` time that its step is taken; others come by chance. */
export function fatesFrom(random: Random, { target, nth, part }: FatePlan): Fates {
  let seen = 0;
  let isCalm = false;
  return {
    of(step) {
      if (isCalm) return undefined;
      if (step === target.step) {
        seen += 1;
        if (seen === nth) return target.fate;
      }
      return random.chance(part) ? random.pick(allowed(step)) : undefined;
    },
    calm() {
      isCalm = true;
    },
  };
}

export interface FatePlan {
  readonly target: Cell;
  readonly nth: number;
  /** Of all calls. */
  readonly part: number;
}
