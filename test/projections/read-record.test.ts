import { describe, expect, test } from 'vitest';
import type { Header, LogRecord } from '../../src/domain/event.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { anEvent, eventHeaders, recordOf } from '../given/events.ts';
import { readAll } from '../given/fold.ts';

const outcomeOf = (change: Partial<LogRecord>): Outcome | 'event' => {
  const [read] = readAll([{ ...recordOf(anEvent(), 0), ...change }]);
  return read!.kind === 'event' ? 'event' : read!.record.outcome;
};

const [epoch, schema] = eventHeaders(1) as [Header, Header];
const foreign: Partial<LogRecord> = { headers: [schema] };
const undecodable: readonly Partial<LogRecord>[] = [
  { value: null },
  { value: Buffer.from('f8ffffff0f', 'hex') },
  { headers: [epoch] },
];
const misrouted: Partial<LogRecord> = { key: Buffer.from('urn:li:tag:else') };

describe('a record has one outcome', () => {
  test('an event, or what sets it apart', () => {
    expect(outcomeOf({})).toBe('event');
    expect(outcomeOf(foreign)).toBe('foreign');
    for (const change of undecodable) expect(outcomeOf(change)).toBe('undecodable');
    expect(outcomeOf(misrouted)).toBe('misrouted');
  });

  test('of several the first of foreign, undecodable, misrouted', () => {
    for (const change of undecodable) {
      expect(outcomeOf({ ...misrouted, ...change })).toBe('undecodable');
      expect(outcomeOf({ ...misrouted, ...change, ...foreign })).toBe('foreign');
    }
    expect(outcomeOf({ ...misrouted, ...foreign })).toBe('foreign');
  });
});
