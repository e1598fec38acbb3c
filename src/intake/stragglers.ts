import type { LogRecord } from '../domain/event.ts';
import { Fault, faults } from '../domain/fault.ts';
import { formatPosition, type Position } from '../domain/position.ts';
import { asBuffer } from '../formats/avro-bytes.ts';
import { readEvent } from '../formats/event.ts';
import { partitionOf } from '../formats/partition.ts';
import type { EventLog, LogReader } from '../ports/event-log.ts';
import { type ForeignDecoder, readRecord } from '../projections/read-record.ts';
import type { Admitted } from './admit.ts';
import type { BridgeStore } from './bridge-store.ts';
import type { Intake, SubmitResult } from './submit.ts';

/** A record that came to the topic of an epoch behind its end. */
export interface Straggler {
  /** Where it stands in the closed topic: no part of the log. */
  readonly at: Position;
  /** Of its event, where it is one. */
  readonly id: string | null;
  /** Where it was appended again, or stood before; null = it was not. */
  readonly position: Position | null;
  /** Why it is no part of the log: kept under `refused/`. */
  readonly refused: string | null;
}

export interface StragglerWork {
  /** Of the closed epoch. */
  readonly topic: string;
  readonly log: EventLog;
  /** Where that epoch ended. */
  readonly end: readonly number[];
  /** Of the epoch that is open, and its log. */
  readonly intake: Pick<Intake, 'republish'>;
  readonly open: EventLog;
  /** Remembers how far the closed topic was looked at. */
  readonly store: BridgeStore;
  readonly decoders: {
    ensure(records: readonly LogRecord[], epoch: number): Promise<void>;
    readonly decode: ForeignDecoder;
  };
  /** An alarm each: somebody appended to a closed epoch. */
  readonly onStraggler: (straggler: Straggler) => void;
}

/** Given to intake at once: a part of what its queue holds. */
const eventsAtOnceMax = 500;

/**
 * One look at a closed topic: what stands behind the epoch's end is published again into the open epoch, in its order and
 * under its ids, so that what was acknowledged is not lost; progress is saved after that. What is no event of this log is
 * kept as refused. Rejects with the fault that keeps it from going on; done again nothing has a second effect.
 */
export async function republishStragglers(work: StragglerWork, signal: AbortSignal): Promise<void> {
  const { log, end } = work;
  let reader: LogReader | undefined;
  try {
    for (const [partition, bounds] of (await log.bounds()).entries()) {
      if (bounds.end <= end[partition]!) continue;
      const saved = await work.store.load(partition);
      let { etag } = saved;
      let next = Math.max(saved.next, end[partition]!, bounds.first);
      if (next >= bounds.end) continue;
      reader ??= await log.reader(null);
      const lane = reader.lane(partition, next);
      while (next < bounds.end) {
        const { records } = await lane.pull(signal);
        await settle(work, partition, records);
        next = records.at(-1)!.offset + 1;
        const written = await work.store.save(partition, next, etag);
        // Another process does the same.
        if (written === 'changed') break;
        etag = written;
      }
    }
  } finally {
    await reader?.[Symbol.asyncDispose]();
  }
}

interface Taken {
  readonly record: LogRecord;
  readonly taken: Admitted;
}

/** So far back a copy is looked for. */
const offsetsLookedBack = 10_000;
const lookMs = 60_000;

/**
 * Where ids stand in the log already: a sender who heard nothing has sent the same again, and others since. The fold knows the
 * last 16 ids of a URN; an older copy, published behind those, would take effect once more.
 */
async function standing(
  { log, end, open }: StragglerWork,
  partition: number,
  events: readonly Taken[],
): Promise<ReadonlyMap<string, Position>> {
  const positions = new Map<string, Position>();
  const signal = AbortSignal.timeout(lookMs);
  await idsBefore(log, partition, end[partition]!, positions, signal);
  const bounds = await open.bounds();
  const urns = events.map(({ taken }) => partitionOf(taken.event.urn, open.partitions));
  for (const own of new Set(urns)) await idsBefore(open, own, bounds[own]!.end, positions, signal);
  return positions;
}

async function idsBefore(
  log: EventLog,
  partition: number,
  end: number,
  positions: Map<string, Position>,
  signal: AbortSignal,
): Promise<void> {
  const { first } = (await log.bounds())[partition]!;
  let next = Math.max(first, end - offsetsLookedBack);
  if (next >= end) return;
  await using reader = await log.reader(null);
  const lane = reader.lane(partition, next);
  const place = { epoch: log.epoch, partition, partitions: log.partitions };
  while (next < end) {
    const { records } = await lane.pull(signal);
    for (const record of records) {
      if (record.offset >= end) break;
      const read = readRecord(record, place, 0, () => undefined);
      if (read.kind === 'event') positions.set(read.event.id, read.position);
    }
    next = records.at(-1)!.offset + 1;
  }
}

async function settle(work: StragglerWork, partition: number, records: readonly LogRecord[]): Promise<void> {
  const { log, decoders, onStraggler } = work;
  await decoders.ensure(records, log.epoch);
  const place = { epoch: log.epoch, partition, partitions: log.partitions };
  const events: Taken[] = [];
  for (const record of records) {
    const read = readRecord(record, place, 0, decoders.decode);
    if (read.kind === 'event') {
      const avro = asBuffer(read.event.avro);
      events.push({ record, taken: { event: readEvent(avro), avro } });
      continue;
    }
    const { outcome, reason } = read.record;
    const at = { epoch: log.epoch, partition, offset: record.offset };
    const refused = `${outcome}: ${reason}`;
    await refuse(work, at, record, { code: 'EPOCH_CLOSED', detail: refused });
    onStraggler({ at, id: null, position: null, refused });
  }
  const known = events.length === 0 ? new Map<string, Position>() : await standing(work, partition, events);
  const fresh = events.filter(({ record, taken: { event } }) => {
    const position = known.get(event.id);
    const at = { epoch: log.epoch, partition, offset: record.offset };
    if (position !== undefined) onStraggler({ at, id: event.id, position, refused: null });
    return position === undefined;
  });
  for (let from = 0; from < fresh.length; from += eventsAtOnceMax) {
    const some = fresh.slice(from, from + eventsAtOnceMax);
    const results = await work.intake.republish(some.map(({ taken }) => taken));
    for (const [n, { record, taken }] of some.entries()) {
      const at = { epoch: log.epoch, partition, offset: record.offset };
      await tell(work, { at, record, taken, result: results[n]! });
    }
  }
}

async function tell(
  work: StragglerWork,
  told: Taken & { readonly at: Position; readonly result: SubmitResult },
): Promise<void> {
  const { at, record, taken, result } = told;
  const { id } = taken.event;
  if (result.status === 'appended')
    return work.onStraggler({ at, id, position: result.position, refused: null });
  const { code, detail } = result;
  if (faults[code].remedy === 'retry')
    throw new Fault(code, { straggler: formatPosition(at), reason: detail });
  await refuse(work, at, record, { code, detail });
  work.onStraggler({ at, id, position: null, refused: `${code}: ${detail}` });
}

async function refuse(
  { store, topic }: StragglerWork,
  { partition, offset }: Position,
  record: LogRecord,
  refusal: Pick<Extract<SubmitResult, { status: 'refused' }>, 'code' | 'detail'>,
): Promise<void> {
  const refused = {
    index: 0,
    refusal: { ...refusal, pointer: '' },
    urn: null,
    entityType: null,
    aspect: null,
  };
  const place = { source: topic, topic, partition, offset, appendTime: record.appendTime };
  await store.refuse(place, record, [refused], false);
}
