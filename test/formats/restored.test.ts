import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromRestored, originalHash, restoredHash, toRestored } from '../../src/formats/restored.ts';
import { encodeRecord } from '../../src/formats/segment.ts';
import { anEvent, at, recordOf } from '../given/events.ts';
import { record as anyRecord } from './arbitrary.ts';

const registryId = fc.option(fc.integer({ min: 0, max: 0xffff_ffff }), { nil: undefined });
const told = ({ headers }: ReturnType<typeof toRestored>): string[] =>
  headers.map(([name, value]) => `${Buffer.from(name)}=${value === null ? '' : Buffer.from(value)}`);

test('whatever was archived is made again from the restored record, and has the hash of its leaf', () => {
  fc.assert(
    fc.property(anyRecord, registryId, fc.boolean(), (given, id, framed) => {
      const value = framed
        ? Buffer.concat([Buffer.alloc(5, 0), given.value ?? Buffer.alloc(0)])
        : given.value;
      const record = { ...given, value };
      const position = { epoch: 3, partition: 1, offset: record.offset };
      // Restored from a log into which somebody wrote restored records.
      const once = toRestored({ position, record }, id);
      const twice = toRestored({ position, record: { ...record, ...once } }, 4_711);
      expect(restoredHash(once)?.hash).toEqual(originalHash(position, encodeRecord(record)));
      expect(fromRestored(twice)?.record).toEqual({ ...record, ...once });
    }),
    { numRuns: 300 },
  );
});

describe('what travels in headers', () => {
  const record = { ...recordOf(anEvent(), 41), value: Buffer.from([0, 0, 0, 0, 7, 1, 2]) };
  test('position and time, behind those that were there; the bytes as they were', () => {
    const restored = toRestored({ position: at(41), record }, 7);
    expect(told(restored).slice(2)).toEqual([
      'annal-original-position=1-0-41',
      'annal-original-time=1763600000041',
    ]);
    expect(restored.value).toEqual(record.value);
    expect(toRestored({ position: at(41), record })).toEqual(restored);
  });

  test('the id of another registry, where the framing has to name one that readers find', () => {
    const restored = toRestored({ position: at(41), record }, 258);
    expect(restored.value).toEqual(Buffer.from([0, 0, 0, 1, 2, 1, 2]));
    expect(told(restored).at(-1)).toBe('annal-original-registry-id=7');
  });

  test.each([
    ['no position', (text: string) => text.replace('position', 'place')],
    ['a position spelt otherwise', (text: string) => text.replace('1-0-41', '1-0-041')],
    ['a time that is none', (text: string) => text.replace('1763600000041', '1e3')],
    ['an id beyond 32 bits', (text: string) => text.replace('=7', '=4294967296')],
    ['something behind them', (text: string) => text.replace('-id=7', '-idea=7')],
  ])('%s: it says nothing', (_, change) => {
    const restored = toRestored({ position: at(41), record }, 258);
    const headers = told(restored).map((text) => {
      const [name, value] = change(text).split('=');
      return [Buffer.from(name!), Buffer.from(value!)] as const;
    });
    expect(fromRestored({ ...restored, headers })).toBeUndefined();
  });
});
