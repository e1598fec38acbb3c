/** What a projection made of an event: exactly one per event and projection, the same in every replay. */
export const outcomes = [
  'applied',
  'duplicate',
  'conflict',
  'patch-failed',
  'undecodable',
  'misrouted',
  'foreign',
] as const;
export type Outcome = (typeof outcomes)[number];

/** Outcomes of records that are archived but reach no entity. */
export type Quarantine = Extract<Outcome, 'undecodable' | 'misrouted' | 'foreign'>;
