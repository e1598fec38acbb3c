import { hash } from 'node:crypto';
import type { JsonValue } from './change.ts';

/** What a plugin found: aspects by URN, of everything that it looks after. */
export type Found = ReadonlyMap<string, ReadonlyMap<string, JsonValue>>;

/** A change that may have been sent: it goes again under the same id as long as the content is the same. */
export interface Intent {
  readonly id: string;
  readonly runId: string;
  /** Of the value; null: a deletion. */
  readonly hash: string | null;
}

/** What is known of one aspect, or under the empty name of the entity as a whole. */
export interface KnownAspect {
  /** Hash of the value that was acknowledged last; null: none was. */
  readonly hash: string | null;
  readonly intent?: Intent | undefined;
}

/** By URN, then by aspect. */
export type Known = ReadonlyMap<string, ReadonlyMap<string, KnownAspect>>;

/** Stands for the whole entity, where an aspect has a name. */
export const wholeEntity = '';

export interface SnapshotChange {
  readonly urn: string;
  /** Null: the whole entity. */
  readonly aspect: string | null;
  readonly value: JsonValue | undefined;
  readonly hash: string | null;
}

export interface SnapshotPlan {
  /** In the order of `found`, then deletions by URN. */
  readonly changes: readonly SnapshotChange[];
  /** Entities found as they are known. */
  readonly unchanged: number;
  /** Entities that are gone and were not deleted, and why. */
  readonly held:
    | { readonly reason: 'incomplete' | 'too-many'; readonly count: number; readonly owned: number }
    | undefined;
}

export interface SnapshotOptions {
  /** Whether everything could be looked at: else nothing is deleted. */
  readonly complete: boolean;
  /** Delete what is gone, however much that is. */
  readonly allowDeletions?: boolean;
}

/** More of what is known than this share is not deleted without being told so: as `annal scan` does. */
export const deletedShareMax = 0.4;

/** Of a value's JSON text: members in the order in which the plugin made them. */
export const contentHash = (value: JsonValue): string => hash('sha256', JSON.stringify(value), 'hex');

const isThere = (aspects: ReadonlyMap<string, KnownAspect>): boolean =>
  [...aspects.values()].some((aspect) => aspect.hash !== null || aspect.intent?.hash != null);

/**
 * The fewest changes that bring what is known in line with what was found: an UPSERT where the content differs, a DELETE of
 * an aspect, or of an entity, that is gone. What was sent and never acknowledged is sent again, or deleted. Pure.
 */
export function planSnapshot(found: Found, known: Known, options: SnapshotOptions): SnapshotPlan {
  const changes: SnapshotChange[] = [];
  let unchanged = 0;
  for (const [urn, aspects] of found) {
    const before = known.get(urn);
    const mended = changes.length;
    for (const [aspect, value] of aspects) {
      const now = contentHash(value);
      const { hash: then, intent } = before?.get(aspect) ?? { hash: null };
      if (then !== now || intent !== undefined) changes.push({ urn, aspect, value, hash: now });
    }
    for (const [aspect, { hash: then, intent }] of before ?? [])
      if (aspect !== wholeEntity && !aspects.has(aspect) && options.complete)
        if (then !== null || intent !== undefined)
          changes.push({ urn, aspect, value: undefined, hash: null });
    if (changes.length === mended) unchanged += 1;
  }
  const owned = [...known].filter(([, aspects]) => isThere(aspects)).length;
  const gone = [...known.keys()].filter((urn) => !found.has(urn)).sort();
  const tooMany = gone.length > owned * deletedShareMax;
  if (gone.length > 0 && options.allowDeletions !== true && (!options.complete || tooMany)) {
    const reason = options.complete ? 'too-many' : 'incomplete';
    return { changes, unchanged, held: { reason, count: gone.length, owned } };
  }
  for (const urn of gone) changes.push({ urn, aspect: null, value: undefined, hash: null });
  return { changes, unchanged, held: undefined };
}
