import { Fault, isFault } from '../domain/fault.ts';
import { keyHash } from '../formats/root.ts';
import type { HeldDocument, IndexSnapshot, Probe } from '../ports/index-snapshot.ts';
import type { ModelDefinition, SearchFields } from '../ports/read-model.ts';
import { searchValues } from '../ports/search-values.ts';
import type { Projection } from '../projections/projection.ts';

/** One way in which a document, or a whole index, cannot be found by what it holds. */
export interface Unfound {
  /**
   * shape: the engine indexes otherwise than the definition says; ignored: it left values out; values: it holds others than
   * the body gives; term: a search for the value does not find the document.
   */
  readonly what: 'shape' | 'ignored' | 'values' | 'term';
  /** Null where it is the index as a whole. */
  readonly id: string | null;
  /** A declared field, `visible`, or what of the index is otherwise. */
  readonly field: string;
}

export interface SearchProof {
  /** SHA-256 of mapping and settings, or of tables and indexes: as declared = as found. */
  readonly shape: string;
  /**
   * Documents whose search values were compared: with those of the fold, all together, or each with what its body gives; the
   * drawn ones always so.
   */
  readonly documents: number;
  /** Documents that are stored as ones that no search finds. */
  readonly unindexable: number;
  /** Documents drawn by the hashes of their keys, and the questions asked to find them. */
  readonly drawn: number;
  readonly probes: number;
  /** How many times something was not found; at most `namedMax` of them by name. */
  readonly unfound: number;
  readonly named: readonly Unfound[];
}

/** Takes the documents of a snapshot while they are read for whatever else, and then asks the engine to find some. */
export interface SearchProver {
  /** `keys`: the `keyHash` of each, where somebody has them already. */
  see(documents: readonly HeldDocument[], keys?: readonly string[]): void;
  /** After the last document. */
  end(): Promise<SearchProof>;
}

export interface ProverOptions {
  /** How many documents are asked for by each of their fields; 1,000 by default. */
  readonly drawn?: number;
  /** How many faults are told by name; 100 by default. */
  readonly namedMax?: number;
  /**
   * Whether somebody else compares what the engine holds with what the fold gave: of documents that tell it, the values of drawn
   * ones alone are then computed again.
   */
  readonly asFolded?: boolean;
}

/**
 * Proves that a search finds what an index holds: its shape is the definition's, the engine left nothing out, its search
 * fields are those of the bodies, and documents drawn by the hash of their keys are found by a value of each field they
 * have. In memory: two times `drawn` documents' search fields.
 */
export function searchProver(
  projection: Projection,
  snapshot: IndexSnapshot,
  { drawn = 1_000, namedMax = 100, asFolded = false }: ProverOptions = {},
): SearchProver {
  const { definition } = projection;
  const named: Unfound[] = [];
  let [unfound, documents, unindexable] = [0, 0, 0];
  const draw = lowestKeys(drawn);

  function tell(fault: Unfound, times = 1): void {
    unfound += times;
    if (named.length < namedMax) named.push(fault);
  }

  function look(document: HeldDocument, key: string): void {
    documents += 1;
    if (document.unindexable !== null) unindexable += 1;
    if (asFolded && document.searchText !== undefined && !draw.mayTake(key)) return;
    const search = searchOf(projection, document);
    const field = search === undefined ? 'body' : differing(definition, document, search);
    if (field !== undefined) tell({ what: 'values', id: document.id, field });
    else if (search && document.unindexable === null) draw.see({ key, id: document.id, search });
  }

  async function probeDrawn(): Promise<{ drawn: number; probes: number }> {
    const lots = draw.all();
    const probes = lots.flatMap((lot) => probesOf(definition, lot));
    const found = await snapshot.finds(probes);
    for (const [n, { id, field }] of probes.entries())
      if (found[n] !== true) tell({ what: 'term', id, field });
    return { drawn: lots.length, probes: probes.length };
  }

  return {
    see(seen, keys) {
      for (const [n, document] of seen.entries()) look(document, keys?.[n] ?? keyHash(document.id));
    },
    async end() {
      const { declared, found, differing, ignored, ignoredIds } = await snapshot.inspect();
      if (declared !== found) tell({ what: 'shape', id: null, field: differing.join(' ') });
      for (const id of ignoredIds) tell({ what: 'ignored', id, field: '' });
      unfound += Math.max(0, ignored - ignoredIds.length);
      const asked = await probeDrawn();
      return { shape: found, documents, unindexable, ...asked, unfound, named };
    },
  };
}

/** Undefined for a body that no fold made. */
function searchOf(projection: Projection, document: HeldDocument): SearchFields | null | undefined {
  try {
    return projection.searchOf(document);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || isFault(error)) return undefined;
    throw error;
  }
}

/** What the engine alone refused is hidden though its fields are well; all others are what the fields say. */
function differing(
  { fields }: ModelDefinition,
  document: HeldDocument,
  search: SearchFields | null,
): string | undefined {
  const { unindexable } = document;
  if (unindexable === null) return document.differsIn(search);
  if (search === null) return 'unindexable';
  const values = searchValues(fields, search);
  if (unindexable !== 'ENGINE_REFUSED' && unindexable !== values) return 'unindexable';
  return document.differsIn(null);
}

interface Lot {
  readonly key: string;
  readonly id: string;
  readonly search: SearchFields;
}

/** Keeps the documents whose keys have the lowest hashes: the same ones wherever the documents are the same. */
function lowestKeys(most: number) {
  let lots: Lot[] = [];
  let highest = '\uffff';
  const keepLowest = (): void => {
    lots = lots.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, most);
    if (lots.length === most) highest = lots.at(-1)?.key ?? '';
  };
  return {
    mayTake: (key: string): boolean => key < highest,
    see(lot: Lot): void {
      if (lot.key >= highest) return;
      lots.push(lot);
      if (lots.length >= 2 * most) keepLowest();
    },
    all(): readonly Lot[] {
      keepLowest();
      return lots;
    },
  };
}

/** One value of each field that the document has, another one for another document. */
function probesOf({ fields }: ModelDefinition, { key, id, search }: Lot): Probe[] {
  const values = searchValues(fields, search);
  if (typeof values === 'string') return [];
  const lot = Buffer.from(key, 'latin1').readUInt32BE(key.length - 4);
  return Object.keys(fields).flatMap((field, n) => {
    const value = values[n]!;
    if (value === null) return [];
    return [{ id, field, value: typeof value === 'object' ? value[lot % value.length]! : value }];
  });
}

/** Rejects with `REBUILD_UNSEARCHABLE`, the first of what is not found by key and field. */
export function refuseUnsearchable(projection: string, { unfound, named }: SearchProof): void {
  if (unfound === 0) return;
  const first = named
    .slice(0, 10)
    .map(({ what, id, field }) => `${id ?? 'the index'}: ${what} ${field}`.trimEnd());
  throw new Fault('REBUILD_UNSEARCHABLE', { projection, unfound, first: first.join('; ') });
}
