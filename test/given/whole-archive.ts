import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { eventSchemaSha256, eventSchemaText } from '../../src/formats/event.ts';
import { formatSkey, parseSkey } from '../../src/formats/note-key.ts';
import type { ArchiveStore } from '../../src/ports/archive.ts';
import { archiveLimits } from '../../src/streams/archive-lane.ts';
import { schemaName } from '../../src/streams/archive-names.ts';
import { type ArchiveNotice, startArchiver } from '../../src/streams/archiver.ts';
import { openEpoch } from '../../src/streams/epochs.ts';
import { publishCut } from '../../src/streams/meta-log.ts';
import { keepVkey } from '../../src/streams/tree-signing.ts';
import { anEvent, recordOf } from './events.ts';
import { memoryLog } from './memory-log.ts';
import { anEpoch } from './world.ts';

export const wholeEpoch = anEpoch(1, 1);
export const wholeLane = { topic: wholeEpoch.name, epoch: 1, partition: 0 };
export const wholeSigner = parseSkey(formatSkey(`annal/${wholeEpoch.log}`, Buffer.alloc(32, 7)));

export const wholeRecords = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, n) => recordOf(anEvent({ n: from + n }), from + n));

/** Part of a log at a time, as it is when an archiver looks at it. */
export interface Chapter {
  readonly records: readonly LogRecord[];
  /** Where the log begins by then. */
  readonly first?: number;
}

/** Offsets with a hole and a gap, in several segments, and a tail. */
export const chapters: readonly Chapter[] = [
  { records: [...wholeRecords(0, 300), ...wholeRecords(310, 700)] },
  { records: wholeRecords(800, 1_100), first: 800 },
];

/**
 * An archive as it should be: one lane, archived by the archiver of the product from a log that a test wrote, with its tree,
 * checkpoints, a published cut for each chapter, key and schema.
 */
export async function makeWhole(
  store: ArchiveStore,
  { of = chapters, seal = 60_000 }: { readonly of?: readonly Chapter[]; readonly seal?: number } = {},
): Promise<readonly ArchiveNotice[]> {
  await openEpoch(store.truth, wholeEpoch);
  await store.truth.create(schemaName(eventSchemaSha256), Buffer.from(eventSchemaText));
  await keepVkey(store.truth, wholeSigner);
  const notices: ArchiveNotice[] = [];
  const log = memoryLog();
  for (const { records, first = 0 } of of) {
    log.records = [...records];
    log.first = first;
    const archiver = startArchiver({
      ...{ store, clock: systemClock, log, name: wholeEpoch.name, group: 'archiver', retryMs: 1 },
      limits: { ...archiveLimits, flushMs: 10, flushBytes: 20_000, sealBytes: seal },
      onNotice: (notice) => notices.push(notice),
      trees: {
        ...{ log: wholeEpoch.log, signer: wholeSigner },
        limits: { tilesMs: 5, signMs: 0, leavesMax: 65_536 },
      },
    });
    await archiver.reach([records.at(-1)!.offset + 1], AbortSignal.timeout(10_000));
    await archiver.stop();
    const { log: id, name, epoch, partitions } = wholeEpoch;
    const meta = { store, clock: systemClock, log: id, name, epoch, partitions };
    await publishCut({ ...meta, signer: wholeSigner, signMs: 0 });
  }
  return notices;
}
