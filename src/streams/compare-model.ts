import type { Cut } from '../domain/cut.ts';
import { splitVersion } from '../domain/position.ts';
import { differingPointers } from '../formats/json-difference.ts';
import { recordHash } from '../formats/leaf.ts';
import { bucketOf, hashBuckets, type RootBuilder, rootOf } from '../formats/root.ts';
import type { HeldDocument, IndexSnapshot } from '../ports/index-snapshot.ts';
import type { Document } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { subjectOf } from './document-subject.ts';
import { fewAtATime, inSteps } from './few-at-a-time.ts';
import { type FoldCounts, foldHistory, type History, laneSpans } from './fold-history.ts';
import { type SearchProof, searchProver, type Unfound } from './prove-searchable.ts';
import type { RebuildProgress } from './rebuild-pace.ts';

export interface Difference {
  /** Of the document; the index's name where it is the index as a whole. */
  readonly id: string;
  /**
   * missing: the fold has it, the index does not; extra: the other way round; altered: both, and they differ; version-ahead:
   * the index holds a version that this history has not come to; unsearchable: equal, and a search does not find it.
   */
  readonly what: 'missing' | 'extra' | 'altered' | 'version-ahead' | 'unsearchable';
  readonly expectedVersion: number | null;
  readonly foundVersion: number | null;
  /** For an altered document: the first members, as JSON pointers, whose text differs; none where too much does. */
  readonly pointers: readonly string[];
  /** For an unsearchable one: how, and the field. */
  readonly field: string | null;
  /** Of which entity and aspects it tells, where there was room to keep it: ids of events say neither. */
  readonly urn: string | null;
  readonly aspects: readonly string[];
}

export interface Compared {
  readonly events: number;
  readonly documents: number;
  readonly expectedRoot: string;
  readonly foundRoot: string;
  readonly search: SearchProof;
  /** Equal roots, and a search finds what is there. */
  readonly equal: boolean;
  readonly differences: readonly Difference[];
  /** What the fold has for those that differ, as far as there was room. */
  readonly expected: ReadonlyMap<string, Document>;
}

export interface Comparison {
  readonly history: History;
  readonly projection: Projection;
  /** Name of the index. */
  readonly index: string;
  readonly snapshot: IndexSnapshot;
  /** As many as it holds, for progress; 0 = not known. */
  readonly documents?: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RebuildProgress) => void;
  /** Called between batches of either side: others in the process are heard meanwhile. May wait, to go slowly. */
  readonly pace: (documents: number) => Promise<void>;
}

const namedMax = 10_000;
const pointersMax = 10;
/** Of both sides together. */
const bodiesMaxBytes = 64 * 1024 * 1024;

/** Compares a state of an index with the fold of the history before its cut: by roots, and where they differ by documents. */
export async function compareModel(comparison: Comparison): Promise<Compared> {
  const { history, snapshot, projection, signal, onProgress, pace, documents: held = 0 } = comparison;
  const found = rootOf();
  const prover = searchProver(projection, snapshot, { namedMax });
  const total = laneSpans(history).reduce((sum, { end }) => sum + end, 0);
  for await (const documents of fewAtATime(snapshot.scan(), pace)) {
    signal.throwIfAborted();
    for (const { id, version, body } of documents) found.add(id, version, body);
    prover.see(documents);
    onProgress({ phase: 'read-back', done: found.size, total: Math.max(held, found.size) });
  }
  const search = await prover.end();
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const expected = rootOf();
  for await (const documents of foldHistory(projection, history, counts, () => undefined)) {
    signal.throwIfAborted();
    for (const { id, version, body } of documents) expected.add(id, version, body);
    onProgress({ phase: 'fold', done: counts.records, total });
    await pace(documents.length);
  }
  for (const root of [expected, found]) await inSteps(hashBuckets(root), async () => history.clock?.wait(0));
  const roots = { expectedRoot: expected.root(), foundRoot: found.root() };
  const equal = roots.expectedRoot === roots.foundRoot && search.unfound === 0;
  const named = equal ? none : await nameDifferences(comparison, differingBuckets(expected, found), search);
  return { events: counts.records, documents: found.size, ...roots, search, equal, ...named };
}

type Named = Pick<Compared, 'differences' | 'expected'>;
const none: Named = { differences: [], expected: new Map() };

function differingBuckets(a: RootBuilder, b: RootBuilder): ReadonlySet<number> {
  const [left, right] = [a.buckets(), b.buckets()];
  return new Set(left.flatMap((hash, bucket) => (hash.equals(right[bucket]!) ? [] : [bucket])));
}

interface Text {
  readonly version: number;
  readonly hash: Buffer;
  /** Kept for as long as there is room: it tells where two documents differ, the hash that they do. */
  readonly document: Document | undefined;
}

/** Reads both sides again and keeps what lies in the differing buckets, so that each document can be named. */
async function nameDifferences(
  { history, projection, snapshot, index, signal, pace }: Comparison,
  buckets: ReadonlySet<number>,
  search: SearchProof,
): Promise<Named> {
  let room = bodiesMaxBytes;
  const unfound = Map.groupBy(search.named, ({ id }) => id ?? index);
  function keep(texts: Map<string, Text>, documents: readonly (Document | HeldDocument)[]): void {
    signal.throwIfAborted();
    for (const document of documents) {
      const { id, version, body } = document;
      if (!buckets.has(bucketOf(id)) && !unfound.has(id)) continue;
      room -= body.length;
      const kept: Document = {
        ...{ id, version, body: Buffer.from(body) },
        search: 'search' in document ? document.search : null,
      };
      texts.set(id, { version, hash: recordHash(body), document: room < 0 ? undefined : kept });
    }
  }
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const [expected, found] = [new Map<string, Text>(), new Map<string, Text>()];
  for await (const documents of fewAtATime(snapshot.scan(), () => pace(0))) keep(found, documents);
  for await (const documents of foldHistory(projection, history, counts, () => undefined)) {
    keep(expected, documents);
    await pace(0);
  }
  const ids = [...new Set([...expected.keys(), ...found.keys()])].sort();
  const differences = ids.flatMap((id) => {
    const difference = differenceOf(history.until, id, expected.get(id), found.get(id), unfound.get(id));
    return difference === undefined ? [] : [difference];
  });
  const whole = unfound.get(index) ?? [];
  return {
    differences: [...whole.map((one) => unsearchable(index, null, one)), ...differences],
    expected: new Map(
      differences.flatMap(({ id }) => {
        const document = expected.get(id)?.document;
        return document === undefined ? [] : [[id, document] as const];
      }),
    ),
  };
}

const unsearchable = (id: string, version: number | null, { what, field }: Unfound): Difference => ({
  ...{ id, what: 'unsearchable', expectedVersion: version, foundVersion: version, pointers: [] },
  ...{ field: `${what} ${field}`.trimEnd(), urn: null, aspects: [] },
});

function differenceOf(
  cut: Cut,
  id: string,
  want: Text | undefined,
  have: Text | undefined,
  unfound: readonly Unfound[] | undefined,
): Difference | undefined {
  const what = whatDiffers(cut, want, have);
  const body = (want?.document ?? have?.document)?.body;
  if (what === undefined)
    return have === undefined || unfound?.[0] === undefined
      ? undefined
      : { ...unsearchable(id, have.version, unfound[0]), ...subjectOf(body, []) };
  const pointers = what === 'altered' ? pointersTo(want?.document, have?.document) : [];
  return {
    ...{ id, what, expectedVersion: want?.version ?? null, foundVersion: have?.version ?? null },
    ...{ pointers, field: null, ...subjectOf(body, pointers) },
  };
}

function whatDiffers(
  cut: Cut,
  want: Text | undefined,
  have: Text | undefined,
): Exclude<Difference['what'], 'unsearchable'> | undefined {
  if (have === undefined) return want === undefined ? undefined : 'missing';
  if (want?.version !== have.version && isBeyond(cut, have.version)) return 'version-ahead';
  if (want === undefined) return 'extra';
  return want.version === have.version && want.hash.equals(have.hash) ? undefined : 'altered';
}

/** Whether no lane had come to a version at the cut. */
function isBeyond({ epoch, next }: Cut, version: number): boolean {
  const at = splitVersion(version);
  return at.epoch > epoch || (at.epoch === epoch && at.offset >= Math.max(...next));
}

function pointersTo(expected: Document | undefined, found: Document | undefined): readonly string[] {
  if (expected === undefined || found === undefined) return [];
  const parsed = (body: Uint8Array): unknown => JSON.parse(Buffer.from(body).toString('utf8'));
  try {
    return differingPointers(parsed(expected.body), parsed(found.body), pointersMax);
  } catch (error) {
    if (error instanceof SyntaxError) return ['the body is not JSON'];
    throw error;
  }
}
