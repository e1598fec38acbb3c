import type { Running } from './running.ts';
import type { Fate, WayToAnnal } from './way-to-annal.ts';

export interface LawVerdict {
  readonly law: string;
  readonly verdict: 'kept' | 'broken' | 'not tested';
  /** What was seen, or why it was not looked at. */
  readonly detail: string;
}

/** One plugin under test, as often as a law wants it. */
export interface Bench {
  readonly way: WayToAnnal;
  /** How long is waited for a plugin to do something, milliseconds. */
  readonly waitMs: number;
  /** Begins anew: a state file that is not there yet, nothing recorded, the next requests as planned. */
  begin(...fates: readonly Fate[]): void;
  /** Starts the plugin, with more in its environment. */
  start(more?: Readonly<Record<string, string | undefined>>): Promise<Running>;
  /** Resolves as soon as `done` is true; else throws a `LawBroken` with `what` after `waitMs`, or when the plugin ended. */
  until(what: string, plugin: Running, done: () => boolean): Promise<void>;
  rest(ms: number): Promise<void>;
  /** Whether this stands in the log of the Annal. */
  isInLog(position: string): Promise<boolean>;
  /** Runs a command of whoever tests, in a shell. */
  shell(command: string): Promise<void>;
}

/** What a plugin did that it should not, in a sentence. */
export class LawBroken extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = 'LawBroken';
  }
}

export interface Law {
  readonly name: string;
  readonly about: string;
  /** Answers what was seen. Throws a `LawBroken`. */
  readonly look: (bench: Bench) => Promise<string>;
}

/** The end of what a plugin said, for whoever has to find out. */
export const lastWords = (plugin: Running): string => {
  const lines = plugin.stderr().trim().split('\n').slice(-12).join(' | ');
  return lines === '' ? '' : `; it said: ${lines.slice(-500)}`;
};
