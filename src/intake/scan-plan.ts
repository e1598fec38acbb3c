import { canonicalJson } from '../formats/json-canonical.ts';
import type { AspectValue, FoundEntity, FoundItem, FoundState, ScanFound } from './scan-found.ts';

/** A change as a client sends it to intake. */
export interface ScanChange {
  readonly urn: string;
  /** Null: the whole entity. */
  readonly aspect: string | null;
  readonly change: 'UPSERT' | 'DELETE';
  readonly value?: AspectValue;
  readonly source: {
    readonly plugin: 'scan';
    readonly version: string;
    readonly runId: string;
    /** `root`: the scanned source. It makes the scan the owner of the URN. */
    readonly foreign: { readonly root: string };
  };
}

/** What Annal holds of one entity that exists (deleted ones are left out). */
export interface KnownEntity {
  /** `source.foreign.root` of the last change whose `source.plugin` was `scan`; undefined if there was none. */
  readonly root: string | undefined;
  /** JSON text of the present value, by aspect. */
  readonly aspects: ReadonlyMap<string, string>;
}

/** By URN: at least what this source owns and what it is about to find. */
export type Known = ReadonlyMap<string, KnownEntity>;

/** URNs that a source was the last to scan. */
export const ownedBy = (known: Known, source: string): string[] =>
  [...known].filter(([, { root }]) => root === source).map(([urn]) => urn);

export interface PlanOptions {
  /** Of the scan: see `scanSourceId`. */
  readonly source: string;
  readonly version: string;
  readonly runId: string;
  /** Delete what vanished whatever speaks against it. */
  readonly allowDeletions?: boolean;
}

/** Tables that are gone and were not deleted, and why. */
export interface DeletionsHeld {
  readonly reason: 'read-error' | 'too-many';
  readonly count: number;
  /** What the source owned before the scan. */
  readonly owned: number;
}

export interface ScanPlan {
  /** Folders before tables before deletions. */
  readonly changes: readonly ScanChange[];
  /** Entities found as they are known. */
  readonly unchanged: number;
  readonly deleted: number;
  readonly deletionsHeld: DeletionsHeld | undefined;
  /** URNs that a scan of another source owns and that this one would change: they are left alone. */
  readonly contested: readonly string[];
}

/** More of what is owned than this share is not deleted without being told so. */
export const deletedShareMax = 0.4;

/** When something was seen is no change of it. */
const withoutTime = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'timestampMillis')
    ? Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'timestampMillis'))
    : value;

/** Whether a stored text and a value are the same JSON, but for a profile's time. A text that cannot be read differs. */
function sameJson(aspect: string, stored: string, value: AspectValue): boolean {
  if (stored === JSON.stringify(value)) return true;
  const told = aspect === 'datasetProfile' ? withoutTime : (json: unknown): unknown => json;
  try {
    return canonicalJson(told(JSON.parse(stored))) === canonicalJson(told(value));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return false;
    throw error;
  }
}

/** Plans a scan item by item, so that what was found need not be kept. */
export interface ScanPlanner {
  /** The changes that one item asks for. */
  take(item: FoundItem): readonly ScanChange[];
  /** To be called once, after the last item, with what this source owned before: the deletions, and what there is to say. */
  finish(owned: readonly string[]): ScanPlan;
}

/** Pure but for its own counters. `known` is asked for what is taken, when it is taken. */
export function scanPlanner(known: Pick<Known, 'get'>, options: PlanOptions): ScanPlanner {
  const { source: root, version, runId } = options;
  const source = { plugin: 'scan', version, runId, foreign: { root } } as const;
  const seen = new Set<string>();
  const contested: string[] = [];
  let [unchanged, unread] = [0, false];

  const changesOf = ({ kind, urn, aspects }: FoundEntity | FoundState): ScanChange[] => {
    const before = known.get(urn);
    const changes: ScanChange[] = [];
    for (const [aspect, value] of aspects) {
      // What cannot be read now may have been read before: then only that is said.
      if (kind === 'state' && before !== undefined && aspect !== 'fileState') continue;
      const stored = before?.aspects.get(aspect);
      if (stored === undefined || !sameJson(aspect, stored, value))
        changes.push({ urn, aspect, change: 'UPSERT', value, source });
    }
    if (before?.aspects.has('fileState') === true && !aspects.has('fileState'))
      changes.push({ urn, aspect: 'fileState', change: 'DELETE', source });
    if (changes.length === 0) unchanged += kind === 'entity' ? 1 : 0;
    else if (before?.root !== undefined && before.root !== root) {
      contested.push(urn);
      return [];
    }
    return changes;
  };

  const finish = (owned: readonly string[]): ScanPlan => {
    const vanished = owned.filter((urn) => !seen.has(urn)).sort();
    const tooMany = vanished.length > owned.length * deletedShareMax;
    const held = vanished.length > 0 && options.allowDeletions !== true && (unread || tooMany);
    return {
      changes: held ? [] : vanished.map((urn) => ({ urn, aspect: null, change: 'DELETE', source })),
      unchanged,
      deleted: held ? 0 : vanished.length,
      deletionsHeld: held
        ? { reason: unread ? 'read-error' : 'too-many', count: vanished.length, owned: owned.length }
        : undefined,
      contested,
    };
  };

  return {
    take(item) {
      if (item.kind === 'entity' || item.kind === 'state') {
        seen.add(item.urn);
        return changesOf(item);
      }
      if (item.kind === 'same') {
        seen.add(item.urn);
        unchanged += 1;
      }
      if (item.kind === 'refused') {
        if (item.urn !== undefined) seen.add(item.urn);
        // An empty file was read. Anything else may hide what it holds.
        if (item.code !== 'FILE_EMPTY') unread = true;
      }
      return [];
    },
    finish,
  };
}

/**
 * The fewest changes that bring what Annal holds in line with what the scan found: an UPSERT for each aspect whose JSON
 * differs, a DELETE for each entity this source owns and did not find. A scan that could not read everything, or would
 * delete more than 40 % of what it owns, deletes nothing (`deletionsHeld`). Planning again once the changes are applied
 * gives none, but for one case: what a scan adds is owned by the next, so deletions held as too many may then be few
 * enough.
 */
export function planScan(found: ScanFound, known: Known, options: PlanOptions): ScanPlan {
  const planner = scanPlanner(known, options);
  const items = [...found.refused, ...found.states, ...found.entities];
  const changes = items.flatMap((item) => planner.take(item));
  const end = planner.finish(ownedBy(known, options.source));
  return { ...end, changes: [...changes, ...end.changes] };
}
