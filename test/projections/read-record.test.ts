import { describe, expect, test } from 'vitest';
import type { Header, LogRecord } from '../../src/domain/event.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { partitionOf } from '../../src/formats/partition.ts';
import { readRecord } from '../../src/projections/read-record.ts';
import { anEvent, eventHeaders, orders, recordOf } from '../given/events.ts';

const partitions = 4;
const own = partitionOf(orders, partitions);

function outcomeOf(change: Partial<LogRecord>, partition = own): Outcome | 'event' {
  const record = { ...recordOf(anEvent(), 0), ...change };
  const read = readRecord(record, { epoch: 1, partition, partitions }, 0, () => undefined);
  return read.kind === 'event' ? 'event' : read.record.outcome;
}

const [epoch, schema] = eventHeaders(1) as [Header, Header];
const epochOf = (text: string | null): Header => [epoch[0], text === null ? null : Buffer.from(text)];
const foreign: readonly Partial<LogRecord>[] = [
  { headers: [schema] },
  { headers: [epoch, schema, epoch] },
  ...['2', '01', '1 ', '', null].map((text) => ({ headers: [epochOf(text), schema] })),
];
const undecodable: readonly Partial<LogRecord>[] = [
  { value: null },
  { value: Buffer.from('f8ffffff0f', 'hex') },
  { headers: [epoch] },
];
const misrouted: Partial<LogRecord> = { key: Buffer.from('urn:li:tag:else') };

describe('a record has one outcome', () => {
  test('an event, or what sets it apart', () => {
    expect(outcomeOf({})).toBe('event');
    for (const change of foreign) expect(outcomeOf(change), JSON.stringify(change)).toBe('foreign');
    for (const change of undecodable) expect(outcomeOf(change)).toBe('undecodable');
    expect(outcomeOf(misrouted)).toBe('misrouted');
    expect(outcomeOf({}, (own + 1) % partitions)).toBe('misrouted');
  });

  test('whatever was read of its URN before, in epochs of other partition counts too', () => {
    for (const count of [partitions, 3, 64, partitions])
      for (let partition = 0; partition < count; partition += 1) {
        const read = readRecord(
          recordOf(anEvent(), 0),
          { epoch: 1, partition, partitions: count },
          0,
          () => undefined,
        );
        expect(read.kind).toBe(partition === partitionOf(orders, count) ? 'event' : 'quarantined');
      }
  });

  test('of several the first of foreign, undecodable, misrouted', () => {
    for (const broken of undecodable) {
      expect(outcomeOf({ ...misrouted, ...broken })).toBe('undecodable');
      for (const change of foreign) expect(outcomeOf({ ...misrouted, ...broken, ...change })).toBe('foreign');
    }
    for (const change of foreign) expect(outcomeOf({ ...misrouted, ...change })).toBe('foreign');
  });
});
