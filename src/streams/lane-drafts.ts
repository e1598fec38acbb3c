import type { Document } from '../ports/read-model.ts';
import type { Draft } from '../projections/projection.ts';

/**
 * Holds what lanes would store of one URN, draft after draft, against what a rebuild makes of it. In memory are the drafts that
 * the rebuild has not made yet.
 */
export interface LaneDrafts {
  drafted(drafts: readonly Draft[]): void;
  /** The first id of which lanes have stored something else than this, or nothing; undefined where there is none. */
  differs(documents: readonly Document[]): string | undefined;
  /** The id of a document that only lanes make, at the end of a URN; forgets all of it. */
  left(): string | undefined;
}

export function laneDrafts(): LaneDrafts {
  const last = new Map<string, Draft>();
  return {
    drafted(drafts) {
      for (const draft of drafts) last.set(draft.id, draft);
    },
    differs(documents) {
      for (const document of documents) {
        const draft = last.get(document.id);
        last.delete(document.id);
        if (draft === undefined || !isSame(draft, document)) return document.id;
      }
      return undefined;
    },
    left() {
      const [first] = last.keys();
      last.clear();
      return first;
    },
  };
}

function isSame({ version, render }: Draft, made: Document): boolean {
  const stored = render();
  return (
    version === made.version &&
    stored.version === version &&
    Buffer.compare(stored.body, made.body) === 0 &&
    JSON.stringify(stored.search) === JSON.stringify(made.search)
  );
}
