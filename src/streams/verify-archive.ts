import { Fault, isFault } from '../domain/fault.ts';
import type { AskedMoment } from '../domain/moment.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import { type NoteVerifier, parseVkey } from '../formats/note-key.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import { type Finding, type Findings, findings } from './archive-finding.ts';
import type { LaneName } from './archive-names.ts';
import { type Epoch, readEpochs } from './epochs.ts';
import { keysPrefix, laneTreeName, metaTreeName } from './tree-names.ts';
import { checkNewest, signedHeads, type TreePlace } from './verify-checkpoints.ts';
import { verifyCuts } from './verify-cuts.ts';
import type { LaneFound } from './verify-lane.ts';
import { type LaneTask, type LaneVerifier, laneVerifier, toldOf, verifyLanes } from './verify-lane-task.ts';
import { schemaCheck } from './verify-schemas.ts';
import { sinceOf } from './verify-since.ts';
import { tilesOf, verifyTree } from './verify-tree.ts';

export interface VerifyArchiveOptions {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  /** Decodes and hashes every record, makes every leaf again, and looks for every schema that is named. */
  readonly deep: boolean;
  /** Of each lane, only what was appended since, and the segment in which that begins. */
  readonly since?: AskedMoment | undefined;
  /** Keys that count; those that the archive names where there is none. */
  readonly keys: readonly NoteVerifier[];
  /** Checkpoints that were kept outside of the archive: what they saw has to be in it still. */
  readonly kept: readonly (Checkpoint & { readonly blob: string })[];
  /** Tiles of leaf hashes of a lane that are kept in memory, 8 KiB each. */
  readonly tilesKept?: number;
  /** Who looks at lanes besides this thread. Each keeps its own findings until the end, of each lane 1,000 at most. */
  readonly others?: readonly LaneVerifier[];
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
}

/** 32 MiB, a million leaves. Comparing hashes is cheaper than making the root of a tile again. */
const tilesKeptMax = 4_096;

export interface VerifyProgress {
  readonly records: number;
  readonly bytes: number;
}

export interface ArchiveReport {
  readonly archive: string;
  readonly log: string;
  readonly name: string;
  readonly epochs: number;
  readonly deep: boolean;
  /** Append time since which records were looked at (UTC ms); null = all. */
  readonly since: number | null;
  /** Keys that counted, and whether somebody gave them or the archive itself did. */
  readonly keys: readonly { readonly name: string; readonly id: string }[];
  readonly keysGiven: boolean;
  readonly lanes: readonly LaneFound[];
  readonly cuts: number;
  /** Schemas that records name; 0 unless deep. */
  readonly schemas: number;
  readonly records: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  /** Counts of all findings, of which at most 1,000 are listed. */
  readonly truth: number;
  readonly derived: number;
  readonly findings: readonly Finding[];
}

/**
 * Checks an archive by what it holds and nothing else: no broker, registry or read model is asked. Writes nothing. What is
 * wrong is in the report. Rejects with `ARCHIVE_EMPTY`, with the faults of the store, and once `signal` aborts.
 */
export async function verifyArchive(options: VerifyArchiveOptions): Promise<ArchiveReport> {
  const { store, clock, deep, kept } = options;
  const began = clock.now();
  const found = findings();
  const epochs = await epochsOf(store, found);
  const [{ log, name }] = [epochs[0]!];
  const verifiers = options.keys.length > 0 ? options.keys : await archivedKeys(store, found);
  const since = options.since === undefined ? undefined : await sinceOf(store, name, options.since);
  const { tilesKept = tilesKeptMax } = options;
  const world = { store, clock, verifiers, kept, tilesKept, findings: found };

  const meta: TreePlace = { ...world, tree: metaTreeName(log, name), lane: undefined };
  const metaHeads = await signedHeads(meta, 0);
  const metaTree = await verifyTree(meta, await tilesOf(meta), { heads: metaHeads, from: 0, deep: true });
  const cuts = await verifyCuts(meta, name, metaTree, metaHeads);
  await checkNewest(meta, metaHeads);

  const tasks = lanesOf(epochs).map(({ epoch, partition, end }): LaneTask => {
    const lane: LaneName = { topic: name, epoch, partition };
    const { origin } = laneTreeName(log, lane);
    return {
      ...{ log, lane, end, deep, since, tilesKept },
      vkeys: verifiers.map(({ vkey }) => vkey),
      kept: kept.filter((checkpoint) => checkpoint.origin === origin).map(toldOf),
      cuts: cuts.lanes.get(`${epoch}/${partition}`)?.map(toldOf) ?? [],
    };
  });
  const counts = { records: 0, bytes: 0 };
  const lookers = [laneVerifier({ store, clock }), ...(options.others ?? [])];
  const answers = await verifyLanes(tasks, lookers, (records, bytes) => {
    counts.records += records;
    counts.bytes += bytes;
    options.onProgress?.(counts);
    options.signal?.throwIfAborted();
  });
  const schemas = schemaCheck(store.truth, found);
  for (const answer of answers) {
    found.take(answer.findings);
    schemas.take(answer.schemas);
  }
  const lanes = answers.map((answer) => answer.found);
  await findStrays(store, found, epochs);
  return {
    ...{ archive: store.place, log, name, epochs: epochs.length, deep, since: since?.time ?? null },
    keys: verifiers.map((key) => ({ name: key.name, id: key.keyId.toString('hex') })),
    keysGiven: options.keys.length > 0,
    ...{ lanes, cuts: cuts.cuts, schemas: await schemas.end() },
    records: lanes.reduce((sum, lane) => sum + lane.records, 0),
    bytes: lanes.reduce((sum, lane) => sum + lane.bytes, 0),
    elapsedMs: clock.now() - began,
    ...{ truth: found.truth, derived: found.derived, findings: found.listed },
  };
}

async function epochsOf(store: ArchiveStore, found: Findings): Promise<readonly Epoch[]> {
  try {
    const epochs = await readEpochs(store.truth);
    if (epochs.length > 0) return epochs;
  } catch (error) {
    if (!isFault(error, 'EPOCH_INVALID')) throw error;
    const { blob, reason } = error.facts;
    found.add({
      ...{ part: 'epoch', of: 'truth', blob: String(blob), reason: String(reason) },
      wrong: reason === 'missing' ? 'missing' : 'unreadable',
    });
    const sound = await soundEpochs(store, Number(/[0-9]+/.exec(String(blob))?.[0] ?? 1));
    if (sound.length > 0) return sound;
    throw error;
  }
  throw new Fault('ARCHIVE_EMPTY', { archive: store.place });
}

/** Those before one that cannot be read. */
async function soundEpochs(store: ArchiveStore, end: number): Promise<readonly Epoch[]> {
  const names = Array.from({ length: end - 1 }, (_, at) => `epochs/${at + 1}.json`);
  const truth = {
    ...store.truth,
    async *list() {
      for (const name of names) yield { name, bytes: 0 };
    },
  };
  return end > 1 ? readEpochs(truth) : [];
}

async function archivedKeys(store: ArchiveStore, found: Findings): Promise<readonly NoteVerifier[]> {
  const keys: NoteVerifier[] = [];
  for await (const { name: blob } of store.truth.list(keysPrefix)) {
    const text = (await store.truth.read(blob))?.toString('utf8').trimEnd() ?? '';
    try {
      const key = parseVkey(text);
      keys.push(key);
      if (blob !== `${keysPrefix}${key.keyId.toString('hex')}.vkey`)
        found.add({ part: 'key', wrong: 'misplaced', of: 'truth', blob, reason: 'it has another id' });
    } catch (error) {
      if (!isFault(error, 'KEY_INVALID')) throw error;
      const reason = String(error.facts.reason);
      found.add({ part: 'key', wrong: 'unreadable', of: 'truth', blob, reason });
    }
  }
  return keys;
}

/** Lanes with the end that their epoch has; 0 while it is open. */
function lanesOf(epochs: readonly Epoch[]) {
  return epochs.flatMap(({ epoch, partitions }, at) =>
    Array.from({ length: partitions }, (_, partition) => ({
      epoch,
      partition,
      end: epochs[at + 1]?.previous?.next[partition] ?? 0,
    })),
  );
}

/** Blobs of lanes that no epoch has. */
async function findStrays(store: ArchiveStore, found: Findings, epochs: readonly Epoch[]): Promise<void> {
  const known = new Set(
    epochs.flatMap(({ name, epoch, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => `${name}/${epoch}/${partition}`),
    ),
  ).add(`${epochs[0]!.name}/meta`);
  for (const [prefix, part] of [
    ['segments/', 'segment'],
    ['checkpoints/', 'checkpoint'],
  ] as const)
    for await (const { name: blob } of store.truth.list(prefix))
      if (!known.has(blob.slice(prefix.length, blob.lastIndexOf('/'))))
        found.add({ part, wrong: 'extra', of: 'truth', blob, reason: 'no epoch has this lane' });
}
