/** What is wrong with a part of an archive. */
export type Wrong =
  /** It should be there. */
  | 'missing'
  /** Its bytes are not those of such a file. */
  | 'unreadable'
  /** It says that it is another one. */
  | 'misplaced'
  /** It should not be there. */
  | 'extra'
  /** It holds something else than what the rest of the archive says. */
  | 'altered'
  /** No key that counts has signed it, or the signature is wrong. */
  | 'unsigned'
  /** It is older than what came before it. */
  | 'falls';

export type Part =
  | 'epoch'
  | 'key'
  | 'schema'
  | 'segment'
  | 'tail'
  | 'cuts'
  | 'checkpoint'
  | 'newest-checkpoint'
  | 'tile'
  | 'bundle'
  | 'head'
  | 'leaves'
  | 'index'
  | 'base';

/** One fault of an archive, by its place. */
export interface Finding {
  readonly part: Part;
  readonly wrong: Wrong;
  /** `derived` can be made again from the rest; nothing brings back what is `truth`. */
  readonly of: 'truth' | 'derived';
  readonly blob: string;
  readonly epoch: number | null;
  readonly partition: number | null;
  /** First offset that it concerns. */
  readonly offset: number | null;
  /** Index of the first leaf that it concerns, in the tree of its lane. */
  readonly leaf: number | null;
  /** How many leaves it concerns, where that is known. */
  readonly leaves: number | null;
  readonly reason: string;
}

/** A finding as whoever comes upon it tells it; what is left out is null. */
export type Found = Pick<Finding, 'part' | 'wrong' | 'of' | 'blob' | 'reason'> & Partial<Finding>;

/** What was found in one place, as plain data: the counts are of more where not all are listed. */
export interface FindingsTold {
  readonly truth: number;
  readonly derived: number;
  readonly listed: readonly Finding[];
}

/** What was found, each blob and kind once, at most so many; all are counted. */
export interface Findings extends FindingsTold {
  add(found: Found): void;
  /** Takes over what somebody else found, in his order. */
  take(told: FindingsTold): void;
  /** Whether this blob of truth is at fault. */
  blames(blob: string): boolean;
}

const listedMax = 1_000;

export function findings(): Findings {
  const listed: Finding[] = [];
  const counts = { truth: 0, derived: 0 };
  const seen = new Set<string>();
  const blamed = new Set<string>();

  function add(found: Found): void {
    const key = `${found.blob} ${found.wrong} ${found.leaf ?? ''}`;
    if (seen.has(key)) return;
    counts[found.of] += 1;
    if (listed.length === listedMax) return;
    seen.add(key);
    if (found.of === 'truth') blamed.add(found.blob);
    listed.push({ epoch: null, partition: null, offset: null, leaf: null, leaves: null, ...found });
  }

  return {
    listed,
    get truth() {
      return counts.truth;
    },
    get derived() {
      return counts.derived;
    },
    blames: (blob) => blamed.has(blob),
    add,
    take(told) {
      for (const found of told.listed) add(found);
      const isTruth = told.listed.filter((found) => found.of === 'truth').length;
      counts.truth += told.truth - isTruth;
      counts.derived += told.derived - (told.listed.length - isTruth);
    },
  };
}
