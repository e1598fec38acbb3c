import { formatCut } from '../domain/cut.ts';
import { Fault } from '../domain/fault.ts';
import { recordHash } from '../formats/leaf.ts';
import { bucketOf, rootOf } from '../formats/root.ts';
import { cutOf, type Document, type LaneProgress, type ModelIndex } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { withClaim } from './claim.ts';
import { type FoldCounts, foldHistory, type History } from './fold-history.ts';
import { refuseProgressAhead } from './index-ahead.ts';
import type { RebuildProgress } from './rebuild-pace.ts';
import type { RebuildContext } from './rebuild-plan.ts';

export interface Difference {
  readonly id: string;
  /** missing: the fold has it, the index does not; extra: the other way round; altered: both, and they differ. */
  readonly what: 'missing' | 'extra' | 'altered';
  readonly expectedVersion: number | null;
  readonly foundVersion: number | null;
  /** For an altered document: the first members, as JSON pointers, whose text differs; none where too much does. */
  readonly pointers: readonly string[];
}

export interface VerifyReport {
  readonly id: string;
  readonly projection: string;
  readonly index: string;
  readonly cut: string;
  readonly events: number;
  readonly documents: number;
  readonly expectedRoot: string;
  readonly foundRoot: string;
  readonly equal: boolean;
  /** At most 100 of them. */
  readonly differences: readonly Difference[];
  readonly differing: number;
  readonly durationMs: number;
}

const differencesMax = 100;
const attemptsMax = 2;

/**
 * Compares the serving index of a projection, document by document, with the fold of the archive at the index's cut.
 * Lanes pause meanwhile: `paused` resolves once none of this process is storing. Lanes of other processes see the claim
 * within a second; as one may be in the middle of a batch, a difference counts only if progress stood still and a second
 * look finds it again. Rejects with `ARCHIVE_BEHIND` where the archive does not reach the cut, `VERSION_AHEAD` where the history
 * does not have it.
 */
export async function verify(
  context: RebuildContext,
  projection: Projection,
  id: string,
  onProgress: (progress: RebuildProgress) => void,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const { store, model, clock, epochs } = context;
  const name = projection.definition.projection;
  const started = clock.now();
  return withClaim({ state: store.state, clock, projection: name }, { id, kind: 'verify' }, async (lost) => {
    const until = AbortSignal.any([signal, lost]);
    const index = await model.serving(projection.definition);
    if (index === undefined)
      throw new Fault('MODEL_UNAVAILABLE', { projection: name, reason: 'no index serves yet' });
    for (let attempt = 1; ; attempt += 1) {
      const lanes = await settled(index, context, until);
      refuseProgressAhead(index.name, lanes, epochs);
      const cut = cutOf(lanes, (epoch) => epochs[epoch - 1]!.partitions);
      if (cut === undefined)
        throw new Fault('MODEL_UNAVAILABLE', { projection: name, reason: 'it has no progress yet' });
      const compared = await compare({ ...context, until: cut }, projection, index, onProgress, until);
      const stoodStill = JSON.stringify(await index.progress()) === JSON.stringify(lanes);
      const last = compared.equal || attempt >= attemptsMax;
      if (!stoodStill || !last) continue;
      return {
        id,
        projection: name,
        index: index.name,
        cut: formatCut(cut),
        ...compared,
        durationMs: clock.now() - started,
      };
    }
  });
}

/** Progress that did not change for a while, visible and stored. */
async function settled(
  index: ModelIndex,
  { clock }: RebuildContext,
  signal: AbortSignal,
): Promise<readonly LaneProgress[]> {
  const quietMs = 1_500;
  for (;;) {
    const before = await index.progress();
    await clock.wait(quietMs, signal);
    const after = await index.progress();
    if (JSON.stringify(before) !== JSON.stringify(after)) continue;
    await index.refresh();
    return after;
  }
}

type Compared = Pick<
  VerifyReport,
  'events' | 'documents' | 'expectedRoot' | 'foundRoot' | 'equal' | 'differences' | 'differing'
>;

async function compare(
  history: History,
  projection: Projection,
  index: ModelIndex,
  onProgress: (progress: RebuildProgress) => void,
  signal: AbortSignal,
): Promise<Compared> {
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const total = history.until.next.reduce((sum, next) => sum + next, 0);
  const expected = rootOf();
  for await (const documents of foldHistory(projection, history, counts, () => undefined)) {
    signal.throwIfAborted();
    for (const { id, version, body } of documents) expected.add(id, version, body);
    onProgress({ phase: 'fold', done: counts.records, total });
  }
  const found = rootOf();
  for await (const documents of index.scan()) {
    signal.throwIfAborted();
    for (const { id, version, body } of documents) found.add(id, version, body);
    onProgress({ phase: 'read-back', done: found.size, total: expected.size });
  }
  const roots = { expectedRoot: expected.root(), foundRoot: found.root() };
  const equal = roots.expectedRoot === roots.foundRoot;
  const buckets = differingBuckets(expected, found);
  const differing = equal ? [] : await name(history, projection, index, buckets, signal);
  return {
    events: counts.records,
    documents: found.size,
    ...roots,
    equal,
    differing: differing.length,
    differences: differing.slice(0, differencesMax),
  };
}

function differingBuckets(a: ReturnType<typeof rootOf>, b: ReturnType<typeof rootOf>): ReadonlySet<number> {
  const [left, right] = [a.buckets(), b.buckets()];
  return new Set(left.flatMap((hash, bucket) => (hash.equals(right[bucket]!) ? [] : [bucket])));
}

interface Text {
  readonly version: number;
  readonly hash: Buffer;
  /** Kept for as long as there is room: it tells where two documents differ, the hash that they do. */
  readonly body: Buffer | undefined;
}

/** Of both sides together. */
const bodiesMaxBytes = 64 * 1024 * 1024;

/** Reads both sides again and keeps what lies in the differing buckets, so that each document can be named. */
async function name(
  history: History,
  projection: Projection,
  index: ModelIndex,
  buckets: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<Difference[]> {
  let room = bodiesMaxBytes;
  function keep(
    texts: Map<string, Text>,
    documents: readonly Pick<Document, 'id' | 'version' | 'body'>[],
  ): void {
    signal.throwIfAborted();
    for (const { id, version, body } of documents) {
      if (!buckets.has(bucketOf(id))) continue;
      room -= body.length;
      const kept = room < 0 ? undefined : Buffer.from(body);
      texts.set(id, { version, hash: recordHash(body), body: kept });
    }
  }
  const counts: FoldCounts = { records: 0, outcomes: {} };
  const [expected, found] = [new Map<string, Text>(), new Map<string, Text>()];
  for await (const documents of foldHistory(projection, history, counts, () => undefined))
    keep(expected, documents);
  for await (const documents of index.scan()) keep(found, documents);
  const ids = [...new Set([...expected.keys(), ...found.keys()])].sort();
  return ids.flatMap((id): Difference[] => {
    const [want, have] = [expected.get(id), found.get(id)];
    const versions = { expectedVersion: want?.version ?? null, foundVersion: have?.version ?? null };
    if (want === undefined) return [{ id, what: 'extra', ...versions, pointers: [] }];
    if (have === undefined) return [{ id, what: 'missing', ...versions, pointers: [] }];
    if (want.version === have.version && want.hash.equals(have.hash)) return [];
    return [{ id, what: 'altered', ...versions, pointers: differingPointers(want.body, have.body) }];
  });
}

const pointersMax = 10;

function differingPointers(expected: Buffer | undefined, found: Buffer | undefined): string[] {
  if (expected === undefined || found === undefined) return [];
  const pointers: string[] = [];
  const walk = (a: unknown, b: unknown, pointer: string): void => {
    if (pointers.length >= pointersMax || Object.is(a, b)) return;
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
      pointers.push(pointer);
      return;
    }
    const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
    for (const key of new Set([...left.keys(), ...right.keys()]))
      walk(left.get(key), right.get(key), `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  };
  try {
    walk(JSON.parse(expected.toString('utf8')), JSON.parse(found.toString('utf8')), '');
  } catch (error) {
    if (error instanceof SyntaxError) return ['the body is not JSON'];
    throw error;
  }
  return pointers;
}
