/** Tells people something that is no failure: constant words, facts with units in their names. */
export type Notice = (what: string, facts: Readonly<Record<string, unknown>>) => void;
