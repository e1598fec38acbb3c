import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTime, parseMoment } from '../../src/domain/moment.ts';
import { epochMax, formatPosition, offsetEnd, partitionMax } from '../../src/domain/position.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const hourMs = 3_600_000;
const aTime = fc.integer({ min: -62_135_596_800_000 + 24 * hourMs, max: 253_402_300_799_999 - 24 * hourMs });

test('a time reads back from its UTC text, from any offset, with space around it and in full-width forms', () => {
  fc.assert(
    fc.property(aTime, fc.integer({ min: -14 * 60, max: 14 * 60 }), (time, offsetMinutes) => {
      expect(parseMoment(formatTime(time), now)).toEqual({ time });
      const local = new Date(time + offsetMinutes * 60_000).toISOString().slice(0, -1);
      const [hours, minutes] = [Math.trunc(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
      const two = (count: number): string => String(count).padStart(2, '0');
      const zone = `${offsetMinutes < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`;
      expect(parseMoment(`${local}${zone}`, now)).toEqual({ time });
      expect(parseMoment(`\u00a0 ${local.replace('T', '  ')} ${zone.replace('-', '\u2212')}\t`, now)).toEqual(
        { time },
      );
      const wide = formatTime(time).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
      expect(parseMoment(wide, now)).toEqual({ time });
    }),
  );
});

test('a time ago is the sum of its parts before now', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.nat(400), fc.nat(99), fc.nat(99), (weeks, days, hours, seconds) => {
      const time = now - ((weeks * 7 + days) * 24 + hours) * hourMs - seconds * 1_000;
      expect(parseMoment(`${weeks}w${days}d ${hours}h${seconds}s`, now)).toEqual({ time });
      expect(parseMoment(`${weeks}w ${days}d${hours}h ${seconds}s ago`, now)).toEqual({ time });
    }),
  );
});

test('a position reads back', () => {
  const aPosition = fc.record({
    epoch: fc.integer({ min: 1, max: epochMax }),
    partition: fc.integer({ min: 0, max: partitionMax }),
    offset: fc.integer({ min: 0, max: offsetEnd - 1 }),
  });
  fc.assert(
    fc.property(aPosition, (position) => {
      expect(parseMoment(`@${formatPosition(position)}`, now)).toEqual({ position });
    }),
  );
});

test.each([
  ['now', now],
  ['2h', now - 2 * hourMs],
  ['7d', now - 7 * 24 * hourMs],
  ['0s', now],
  ['2026-03-01', Date.parse('2026-03-01T00:00:00Z')],
  ['2026-03-01T09:30Z', Date.parse('2026-03-01T09:30:00Z')],
  ['2026-03-01t09:30:15,5z', Date.parse('2026-03-01T09:30:15.500Z')],
  ['2026-03-01T09:30:15.123999+02', Date.parse('2026-03-01T07:30:15.123Z')],
  ['2026-03-01 09:30 +0530', Date.parse('2026-03-01T04:00:00Z')],
  ['0001-01-01', -62_135_596_800_000],
  ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
])('%s is a moment', (text, time) => {
  expect(parseMoment(text, now)).toEqual({ time });
});

test.each([
  '',
  ' ',
  '@',
  '@1-0',
  '@0-0-0',
  '@1-0-01',
  '2',
  'h',
  '-2h',
  '2h3d',
  '2h 2h',
  '2hours',
  '1.5h',
  'ago',
  'yesterday',
  '2026',
  '2026-03',
  '2026-3-1',
  '2026-02-30',
  '2026-13-01',
  '2026-00-10',
  '0000-01-01',
  '2025-02-29',
  '2026-03-01T09:30',
  '2026-03-01T24:00Z',
  '2026-03-01T09:60Z',
  '2026-03-01T09:30:60Z',
  '2026-03-01T9:30Z',
  '2026-03-01T09:30+15:00',
  '2026-03-01T09:30+02:60',
  '2026-03-01T09:30 CET',
  '2026-03-01Z',
  '99999999w',
  '9999-12-31T23:59:59-01:00',
  `2026-03-01${' '.repeat(80)}`,
  '2026-03-01\n2026-03-02',
  '1772357400000',
])('%j is refused with a reason', (text) => {
  expect(parseMoment(text, now)).toEqual({ wrong: expect.stringMatching(/./) });
});

test('no text makes it throw, and what it takes lies in the years 1 to 9999', () => {
  const asTyped = fc.stringMatching(/^@?[0-9]{0,5}[wdhms:TZ+@ .-]{0,2}[0-9]{0,4}[a-zT: +-]{0,3}[0-9]{0,3}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), asTyped), (text) => {
      const read = parseMoment(text, now);
      if ('time' in read) expect(formatTime(read.time)).toMatch(/^\d{4}-/);
    }),
  );
});
