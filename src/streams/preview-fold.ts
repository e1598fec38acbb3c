import { formatCut } from '../domain/cut.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { formatPosition, type Position } from '../domain/position.ts';
import type { Document, FieldKind, ModelDefinition, SearchFields } from '../ports/read-model.ts';
import { type SearchValue, searchValues, type Unindexable } from '../ports/search-values.ts';
import type { Draft, Projection } from '../projections/projection.ts';
import type { DeniedWorld } from './check-fold.ts';
import { type FieldChange, fieldChanges } from './document-changes.ts';
import { type FoldCounts, foldHistory, type History } from './fold-history.ts';
import { laneDrafts } from './lane-drafts.ts';

/** A document that the changed fold makes otherwise. */
export interface PreviewedDocument {
  readonly id: string;
  readonly what: 'changed' | 'appeared' | 'vanished';
  readonly beforeVersion: number | null;
  readonly afterVersion: number | null;
  /** The first fields that differ; all of a document that appears or vanishes differ, and none is listed. */
  readonly fields: readonly FieldChange[];
}

/** A declared search field that is new, gone, or of another kind. */
export interface DeclaredChange {
  readonly field: string;
  readonly before: FieldKind | null;
  readonly after: FieldKind | null;
}

export interface FoldPreview {
  readonly projection: string;
  /** Of this program's fold; null where it has none of this name. */
  readonly liveVersion: number | null;
  readonly version: number;
  readonly cut: string;
  readonly events: number;
  /** That this program's fold makes, and the changed one. */
  readonly liveDocuments: number;
  readonly documents: number;
  readonly changed: number;
  readonly appeared: number;
  readonly vanished: number;
  /** Of the changed fold's documents, those that no search could find; a rebuild is refused for them. */
  readonly unsearchable: number;
  /** The first of them, and why. */
  readonly firstUnsearchable: { readonly id: string; readonly reason: Unindexable } | null;
  readonly declared: readonly DeclaredChange[];
  /** Something differs, and the version number is not above this program's. */
  readonly needsNewVersion: boolean;
  /** Nothing differs. */
  readonly equal: boolean;
  /** As many as were asked for at most. */
  readonly documentsDiffering: readonly PreviewedDocument[];
}

export interface PreviewAsked {
  /** This program's fold, if it has one of the name. */
  readonly live: Projection | undefined;
  readonly changed: Projection;
  readonly history: History;
  readonly world: DeniedWorld;
  /** Documents to be named. */
  readonly limit: number;
  readonly onProgress: (records: number, total: number) => void;
  readonly signal: AbortSignal;
  readonly windowBytes?: number;
}

/**
 * Folds a history once, with two folds at a time, and compares what they make of each URN: nothing is stored, and in memory are
 * a window of history and the documents of one URN that the other fold has not made yet. The changed fold runs in a world without
 * clock, chance, network, environment, and what its lanes would store is held against what its rebuild makes. Rejects with
 * `FOLD_IMPURE` and `FOLD_FAILED`, which name the event.
 */
export async function previewFold(asked: PreviewAsked): Promise<FoldPreview> {
  const { live, changed, history, limit, onProgress, signal } = asked;
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const total = history.until.next.reduce((sum, next) => sum + next, 0);
  const told = { liveDocuments: 0, documents: 0, changed: 0, appeared: 0, vanished: 0, unsearchable: 0 };
  let firstUnsearchable: FoldPreview['firstUnsearchable'] = null;
  const first: PreviewedDocument[] = [];
  const compare = (before: Document | undefined, after: Document | undefined): void => {
    if (before !== undefined) told.liveDocuments += 1;
    if (after !== undefined) {
      told.documents += 1;
      const reason = valuesOf(changed, after.search);
      if (typeof reason === 'string') {
        told.unsearchable += 1;
        firstUnsearchable ??= { id: after.id, reason };
      }
    }
    const what = difference(before, after);
    if (what === undefined) return;
    told[what] += 1;
    if (first.length >= limit) return;
    first.push({
      ...{ id: (after ?? before)!.id, what },
      ...{ beforeVersion: before?.version ?? null, afterVersion: after?.version ?? null },
      fields: before === undefined || after === undefined ? [] : fieldChanges(before, after),
    });
  };
  const both = besideEachOther(asked, compare);
  for await (const _ of foldHistory(both, history, counts, () => undefined, asked.windowBytes)) {
    signal.throwIfAborted();
    onProgress(counts.records, total);
  }
  const { projection, version } = changed.definition;
  const liveVersion = live?.definition.version ?? null;
  const declared = declaredChanges(live?.definition.fields ?? {}, changed.definition.fields);
  const equal = told.changed + told.appeared + told.vanished + declared.length === 0;
  return {
    ...{ projection, liveVersion, version, cut: formatCut(history.until), events: counts.records },
    ...told,
    ...{
      firstUnsearchable,
      declared,
      equal,
      needsNewVersion: !equal && liveVersion !== null && version <= liveVersion,
    },
    documentsDiffering: first,
  };
}

function difference(
  before: Document | undefined,
  after: Document | undefined,
): PreviewedDocument['what'] | undefined {
  if (before === undefined) return 'appeared';
  if (after === undefined) return 'vanished';
  const isSame =
    before.version === after.version &&
    Buffer.compare(before.body, after.body) === 0 &&
    JSON.stringify(before.search) === JSON.stringify(after.search);
  return isSame || fieldChanges(before, after).length === 0 ? undefined : 'changed';
}

const valuesOf = (
  { definition }: Projection,
  search: SearchFields | null,
): readonly SearchValue[] | Unindexable | null =>
  search === null ? null : searchValues(definition.fields, search);

function declaredChanges(
  before: ModelDefinition['fields'],
  after: ModelDefinition['fields'],
): DeclaredChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((field) => {
    const change = { field, before: before[field] ?? null, after: after[field] ?? null };
    return change.before === change.after ? [] : [change];
  });
}

/** Documents of one URN that one of the folds has made and the other has not yet. */
interface Pending {
  readonly before: Map<string, Document>;
  readonly after: Map<string, Document>;
}

const nothing: readonly Draft[] = [];

/**
 * A projection that folds as both do and gives what they make to `compare`, in pairs by id. What it gives itself is of no use.
 * The document of a URN's state is the last of that URN, so what has no pair by then has none.
 */
function besideEachOther(
  { live, changed, world }: PreviewAsked,
  compare: (before: Document | undefined, after: Document | undefined) => void,
): Projection {
  const pending: Pending = { before: new Map(), after: new Map() };
  const pair = (before: readonly Document[], after: readonly Document[]): void => {
    for (const document of before) pending.before.set(document.id, document);
    for (const document of after) pending.after.set(document.id, document);
    for (const { id } of [...before, ...after]) {
      const [one, other] = [pending.before.get(id), pending.after.get(id)];
      if (one === undefined || other === undefined) continue;
      compare(one, other);
      pending.before.delete(id);
      pending.after.delete(id);
    }
  };
  const settle = (): void => {
    for (const document of pending.before.values()) compare(document, undefined);
    for (const document of pending.after.values()) compare(undefined, document);
    pending.before.clear();
    pending.after.clear();
  };
  const rendered = (drafts: readonly Draft[]): Document[] => drafts.map((draft) => draft.render());
  const made = (at: Place, work: () => readonly Document[]): readonly Document[] =>
    guarded(world, at, () => asStored(changed, work()));
  const lanes = laneDrafts();
  /** What a rebuild makes has to be what lanes do, document by document. */
  const asLanes = (documents: readonly Document[], end?: string): readonly Document[] => {
    const id = lanes.differs(documents) ?? end;
    if (id !== undefined) throw new Error(`lanes and a rebuild make two documents of ${id}`);
    return documents;
  };
  return {
    ...changed,
    stateId: (urn) => urn,
    settled(step) {
      const at = { position: step.position, urn: step.event.urn };
      const before = live === undefined ? [] : rendered(live.settled(step));
      pair(
        before,
        made(at, () => {
          lanes.drafted(changed.drafts(step));
          return asLanes(rendered(changed.settled(step)));
        }),
      );
      return nothing;
    },
    open(state) {
      const before = live === undefined ? [] : rendered(live.open(state));
      pair(
        before,
        made(state, () => {
          const documents = rendered(changed.open(state));
          return [...asLanes(documents), ...asLanes([], lanes.left())];
        }),
      );
      return nothing;
    },
    quarantined(record) {
      const before = live === undefined ? [] : rendered(live.quarantined(record));
      pair(
        before,
        made(record, () => rendered(changed.quarantined(record))),
      );
      return nothing;
    },
    stateDocument(state) {
      const before = live === undefined ? [] : [live.stateDocument(state)];
      const after = made(state, () => {
        const document = changed.stateDocument(state);
        if (changed.stateId(state.urn) === document.id) return [document];
        throw new Error(
          `stateId says ${changed.stateId(state.urn)}, the document of the state ${document.id}`,
        );
      });
      pair(before, after);
      settle();
      return after[0]!;
    },
  };
}

interface Place {
  readonly position: Position;
  readonly urn: string | null;
}

/** Runs a piece of the changed fold in the denied world, and says of which event it was where it fails, asks, or makes no document. */
function guarded(
  world: DeniedWorld,
  { position, urn }: Place,
  work: () => readonly Document[],
): readonly Document[] {
  const at = { position: formatPosition(position), urn };
  const refuseAsked = (): void => {
    const [asked] = world.asked();
    if (asked !== undefined) throw new Fault('FOLD_IMPURE', { asked, ...at });
  };
  let documents: readonly Document[];
  try {
    documents = world.within(work);
  } catch (error) {
    if (isFault(error, 'FOLD_IMPURE')) throw new Fault('FOLD_IMPURE', { ...error.facts, ...at });
    // What chance or a clock makes differs for that reason.
    refuseAsked();
    throw new Fault('FOLD_FAILED', { ...at, error: String(error) }, error);
  }
  refuseAsked();
  return documents;
}

/** What is stored has to tell by itself what it is found by. */
function asStored(changed: Projection, documents: readonly Document[]): readonly Document[] {
  for (const document of documents) {
    if (!isDocument(document)) throw new Error('it made what is no document');
    const [made, told] = [document.search, changed.searchOf(document)].map((search) =>
      JSON.stringify(valuesOf(changed, search)),
    );
    if (made !== told) throw new Error(`searchOf tells other search values of ${document.id} than the fold`);
  }
  return documents;
}

const isDocument = (made: Document | undefined): boolean =>
  typeof made?.id === 'string' &&
  made.id !== '' &&
  Number.isSafeInteger(made.version) &&
  made.body instanceof Uint8Array &&
  typeof made.search === 'object' &&
  Object.values(made.search ?? {}).every(
    (value) => ['string', 'number', 'undefined'].includes(typeof value) || Array.isArray(value),
  );
