import { Fault } from '../domain/fault.ts';
import type { Outcome } from '../domain/outcome.ts';
import { eventSchemaSha256, eventSchemaText } from '../formats/event.ts';
import { encodeMissing, encodeRecord, encodeSegment } from '../formats/segment.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { FileTree } from '../ports/file-tree.ts';
import { readRecord } from '../projections/read-record.ts';
import { createSame, isEmpty } from './adopt.ts';
import { archiveLimits } from './archive-lane.ts';
import { type LaneName, schemaName, segmentName } from './archive-names.ts';
import { captureFiles } from './capture-files.ts';
import { inOrder, mergedEvents, type OrderedFile, toArchived } from './captured-lane.ts';
import { endReader } from './epoch-end.ts';
import { type Epoch, markClosing, openEpoch, readEpochs, topicOf } from './epochs.ts';
import { openNextEpoch } from './next-epoch.ts';

/** The import that is under way, until its end: the same again goes on with it. */
const pendingName = 'importing.json';

export interface CaptureRequest {
  /** Where the files lie, for people, and to know the same again. */
  readonly place: string;
  readonly layout: string;
  /** Of the hub; null = the greatest id of a file and one. */
  readonly partitions: number | null;
  /** Events that no intake wrote are taken as events of this log. */
  readonly asEvents: boolean;
  /** Of the log that is begun. */
  readonly name: string;
}

interface Pending extends CaptureRequest {
  readonly v: 1;
  readonly log: string;
  readonly openedAt: string;
}

/** What one partition of a hub left. */
export interface CapturedLane {
  readonly partition: number;
  readonly files: number;
  readonly records: number;
  /** Exclusive end of its sequence numbers. */
  readonly next: number;
  /** Sequence numbers that no file has, [first, next). */
  readonly gaps: readonly { readonly first: number; readonly next: number }[];
  /** Events that a second file has too. */
  readonly repeated: number;
  /** Whose `EnqueuedTimeUtc` cannot be read. */
  readonly withoutTime: number;
  /** What a fold makes of the records; `event`: it decides. */
  readonly outcomes: Readonly<Partial<Record<Outcome | 'event', number>>>;
}

export interface CapturePlan {
  readonly partitions: number;
  readonly hub: string;
  readonly lanes: readonly CapturedLane[];
}

export interface CaptureWorld {
  readonly tree: FileTree;
  readonly signal: AbortSignal;
  readonly onProgress: (records: number) => void;
}

/** Epoch that captured history becomes: there is none before it. */
const epochNumber = 1;
const place = (partition: number, partitions: number) => ({ epoch: epochNumber, partition, partitions });

/**
 * Reads every file once and says what an import would make of it; nothing is written. Rejects with `CAPTURE_INVALID`,
 * `CAPTURE_CONFLICT`, and with `CAPTURE_EMPTY` where there is no event.
 */
export async function planCapture(world: CaptureWorld, request: CaptureRequest): Promise<CapturePlan> {
  world.signal.throwIfAborted();
  const { hub, partitions, lanes } = await laid(world, request);
  const told: CapturedLane[] = [];
  let seen = 0;
  for (const [partition, files] of lanes.entries()) {
    const counts = { records: 0, next: 0, repeated: 0, withoutTime: 0 };
    const gaps: { first: number; next: number }[] = [];
    const outcomes: Partial<Record<Outcome | 'event', number>> = {};
    const events = mergedEvents(world.tree, files, () => {
      counts.repeated += 1;
    });
    for await (const { sequence, record, hasTime } of events) {
      if (sequence > counts.next) gaps.push({ first: counts.next, next: sequence });
      counts.next = sequence + 1;
      counts.records += 1;
      if (!hasTime) counts.withoutTime += 1;
      const archived = toArchived(record, { epoch: epochNumber, asEvents: request.asEvents });
      const read = readRecord(archived, place(partition, partitions), 0, () => undefined, 'shared');
      const outcome = read.kind === 'event' ? 'event' : read.record.outcome;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      seen += 1;
      if (seen % recordsPerLook === 0) look(world, seen);
    }
    told.push({ partition, files: files.length, ...counts, gaps, outcomes });
  }
  return { partitions, hub, lanes: told };
}

const recordsPerLook = 1_000;

function look({ signal, onProgress }: CaptureWorld, records: number): void {
  signal.throwIfAborted();
  onProgress(records);
}

/** Files by partition, in the order of their events. */
async function laid({ tree, signal }: CaptureWorld, { layout, partitions: asked }: CaptureRequest) {
  const files = await captureFiles(tree, layout, signal);
  const byPartition = Map.groupBy(files, ({ partition }) => partition);
  const found = Math.max(...byPartition.keys()) + 1;
  const partitions = asked ?? found;
  if (partitions < found)
    throw new Fault('CAPTURE_INVALID', { reason: `there are files of partition ${found - 1}`, partitions });
  const lanes: (readonly OrderedFile[])[] = [];
  for (let partition = 0; partition < partitions; partition += 1)
    lanes.push(await inOrder(tree, byPartition.get(partition) ?? [], signal));
  if (lanes.every((ordered) => ordered.length === 0)) throw new Fault('CAPTURE_EMPTY', { place: tree.place });
  return { partitions, hub: files[0]!.hub, lanes };
}

export interface ImportOptions extends CaptureWorld {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly newLogId: () => string;
  /** Of the epoch that is opened behind it, for what comes from now on. */
  readonly nextPartitions: number;
  /** Bytes of records that make a segment. */
  readonly segmentBytes?: number;
  /** What belongs to it once it is a log: the import is over after that, and a crash before does it again. */
  readonly complete?: (epochs: readonly Epoch[]) => Promise<void>;
  /** Points at which a crash must do no harm. Tests stop the process there. */
  readonly probe?: (point: 'begun' | 'segment' | 'segments' | 'epoch' | 'closed') => void | Promise<void>;
}

/**
 * Writes captured history as epoch 1 of a log that begins with it, closed, and opens the epoch behind. Everything is
 * create-only and follows from the files, so the same again goes on after a crash. Rejects with `DATA_NOT_EMPTY` where the
 * archive holds anything else, or another import is unfinished; with `ARCHIVE_FORK` where the files changed meanwhile.
 */
export async function importCapture(
  options: ImportOptions,
  request: CaptureRequest,
): Promise<readonly Epoch[]> {
  const { store, clock, probe } = options;
  const { partitions, lanes } = await laid(options, request);
  const pending = await begin(options, request);
  await probe?.('begun');
  await store.truth.create(schemaName(eventSchemaSha256), Buffer.from(eventSchemaText));
  const counted = { records: 0 };
  for (const [partition, files] of lanes.entries())
    await importLane(
      options,
      request,
      { topic: request.name, epoch: epochNumber, partition },
      files,
      counted,
    );
  await probe?.('segments');
  const { log, name, openedAt } = pending;
  const epoch = await openEpoch(store.truth, {
    ...{ v: 1, epoch: epochNumber, log, name, topic: topicOf(name, epochNumber), partitions },
    ...{ partitioner: 'murmur2', previous: null, openedAt },
  });
  await probe?.('epoch');
  await markClosing(store.truth, { v: 1, epoch: epochNumber, log, lost: true, closedAt: openedAt });
  await probe?.('closed');
  if ((await readEpochs(store.truth)).length === epochNumber) {
    const end = await endReader(store, epoch).read(options.signal);
    const now = new Date(clock.now()).toISOString();
    await openNextEpoch(store.truth, epoch, end, { partitions: options.nextPartitions, openedAt: now });
  }
  const epochs = await readEpochs(store.truth);
  await options.complete?.(epochs);
  await store.state.remove(pendingName);
  return epochs;
}

/** Puts the import on record, or takes up the one that is there. */
async function begin(options: ImportOptions, request: CaptureRequest): Promise<Pending> {
  const { store, clock, newLogId } = options;
  const found = await pendingImport(store);
  if (found === undefined) {
    if (!(await isEmpty(store))) throw new Fault('DATA_NOT_EMPTY', { archive: store.place });
    const openedAt = new Date(clock.now()).toISOString();
    const pending = { v: 1, ...request, log: newLogId(), openedAt } as const;
    const written = await store.state.write(pendingName, Buffer.from(JSON.stringify(pending)), null);
    if (written !== 'changed') return pending;
  }
  const there = found ?? (await pendingImport(store));
  const { place: from, layout, partitions, asEvents, name } = there ?? request;
  const isSame =
    there !== undefined &&
    JSON.stringify([from, layout, partitions, asEvents, name]) ===
      JSON.stringify([request.place, request.layout, request.partitions, request.asEvents, request.name]);
  if (!isSame) throw new Fault('DATA_NOT_EMPTY', { archive: store.place, unfinished: from });
  return there;
}

/** The import that a crash left unfinished, if there is one: until its second epoch is open the archive is no log's. */
export async function pendingImport({ state }: ArchiveStore): Promise<Pending | undefined> {
  const found = await state.read(pendingName);
  return found === undefined ? undefined : (JSON.parse(found.bytes.toString('utf8')) as Pending);
}

async function importLane(
  options: ImportOptions,
  { asEvents }: CaptureRequest,
  lane: LaneName,
  files: readonly OrderedFile[],
  counted: { records: number },
): Promise<void> {
  const { store, tree, probe, segmentBytes = archiveLimits.sealBytes } = options;
  let [first, next, bytes] = [0, 0, 0];
  let records: Buffer[] = [];

  async function create(file: Buffer): Promise<void> {
    await createSame(store.truth, segmentName(lane, first), file);
    await probe?.('segment');
    first = next;
  }

  async function seal(): Promise<void> {
    if (records.length === 0) return;
    await create(encodeSegment(lane, records));
    [records, bytes] = [[], 0];
  }

  for await (const { sequence, record } of mergedEvents(tree, files, () => undefined)) {
    if (sequence > next) {
      await seal();
      next = sequence;
      await create(encodeMissing(lane, 'gap', first, next));
    }
    const spelled = encodeRecord(toArchived(record, { epoch: lane.epoch, asEvents }));
    records.push(spelled);
    next = sequence + 1;
    bytes += spelled.length;
    counted.records += 1;
    if (counted.records % recordsPerLook === 0) look(options, counted.records);
    if (bytes >= segmentBytes) await seal();
  }
  await seal();
}
