import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderArchive } from '../../src/adapters/folder/archive-store.ts';
import type { EntityState } from '../../src/domain/entity-state.ts';
import type { LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import type { Position } from '../../src/domain/position.ts';
import { readEvent } from '../../src/formats/event.ts';
import { patchValue } from '../../src/formats/json-patch.ts';
import { foldEvent } from '../../src/projections/fold-batch.ts';
import { readRecord } from '../../src/projections/read-record.ts';
import { readEpochs } from '../../src/streams/epochs.ts';
import { historyLane } from '../../src/streams/history-lane.ts';

export const sampleRoot = join(import.meta.dirname, '../../samples/archive');

/** An event of the sample with what the fold made of it. */
export interface Told {
  readonly at: string;
  readonly position: Position;
  readonly record: LogRecord;
  readonly event: MetadataChangeEvent;
  readonly outcome: Outcome;
  /** The aspect's value after the event; undefined where there is none. */
  readonly after: unknown;
}

export interface SampleLog {
  readonly told: readonly Told[];
  readonly states: ReadonlyMap<string, EntityState>;
  /** By partition, as the archive gave them. */
  readonly lanes: readonly (readonly LogRecord[])[];
}

export const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString('utf8'));

/** The value of an aspect after an applied event. */
function valueAfter(before: unknown, { change, value }: MetadataChangeEvent): unknown {
  if (value === null) return undefined;
  if (change === 'UPSERT') return json(value);
  const patched = patchValue(Buffer.from(JSON.stringify(before)), value);
  if (!patched.ok) throw new Error(patched.reason);
  return json(patched.value);
}

/** Reads the committed sample the way archives are read, and folds it; events in the order of their append times. */
export async function readSampleLog(): Promise<SampleLog> {
  await using store = folderArchive({ dir: sampleRoot });
  const [epoch] = await readEpochs(store.truth);
  const { partitions } = epoch!;
  const values = new Map<string, unknown>();
  const [told, states, lanes]: [Told[], Map<string, EntityState>, LogRecord[][]] = [[], new Map(), []];
  for (let partition = 0; partition < partitions; partition += 1) {
    const records: LogRecord[] = [];
    for await (const slice of historyLane(store, { topic: epoch!.name, epoch: 1, partition }, 0))
      records.push(...slice.records);
    lanes.push(records);
    for (const record of records) {
      const place = { epoch: 1, partition, partitions };
      const read = readRecord(record, place, record.appendTime, () => undefined);
      if (read.kind !== 'event') throw new Error(`${partition}-${record.offset}: ${read.record.reason}`);
      const step = foldEvent(states, read);
      const event = readEvent(read.event.avro);
      const key = `${event.urn} ${event.aspect}`;
      if (step!.outcome === 'applied') values.set(key, valueAfter(values.get(key), event));
      told.push({
        ...{ record, event, position: read.position },
        at: new Date(record.appendTime).toISOString(),
        outcome: step!.outcome,
        after: values.get(key),
      });
    }
  }
  told.sort((a, b) => a.record.appendTime - b.record.appendTime);
  return { told, states, lanes };
}

export const sampleFile = (path: string): Buffer => readFileSync(join(sampleRoot, path));
