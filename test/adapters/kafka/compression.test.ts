import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WireError } from '../../../src/adapters/kafka/byte-reader.ts';
import { unpackLz4 } from '../../../src/adapters/kafka/lz4.ts';
import { recordCursor } from '../../../src/adapters/kafka/record-decoder.ts';
import { unpackSnappy } from '../../../src/adapters/kafka/snappy.ts';

/** One batch of the same twelve records as kafka-clients 4.1 (Java) writes it; each value ends in four random bytes. */
const batches = {
  gzip:
    'AAAAAAAAAAAAAAE0/////wK90h/yAAEAAAALAAAAAAAAA+gAAAAAAAAD6P//////////////////AAAADB+LCAAAAAAAAP/TYGBg' +
    'YMk2kChLzClNVTBQmCnOv5tBj4GBiSXbUA4iaKiQmJQsYVK+mMEEqJYl20gFIm4EEgeiqCkn9zNYMTCwsWQba0GkjKFSQGTJXc7E' +
    '4MDAwMGSbWIAkTVByAIR52WtSAY3BgYulmxTM4gCUxQFQBTrNaOWwYeBgYcl28wGosYMXQ0QOX7Z/JQhiIGBjyXb3AmizByLMiCa' +
    '5C61jyGCgUGAJdvCA6LSArtKIGKV9N7KEMfAIMSSbekHUWyJUzHItac2T2TIYGAQYcs2NAiDBqIBPh1AxCAmHsWQx8AgBtRkGAPV' +
    'ZEhAExAtdH/4mQEAOqlZh8YBAAA=',
  snappy:
    'AAAAAAAAAAAAAAFi/////wL7SL50AAIAAAALAAAAAAAAA+gAAAAAAAAD6P//////////////////AAAADIJTTkFQUFkAAAAAAQAA' +
    'AAEAAAEdxgNwKAAAAARrMBh2YWx1ZSAwIJkXD7sALgAAAgRrMR4JFUQxIGFiYxg0d6MANAAABARrMiQJGAAyARg8YWJjWpTJvwA6' +
    'AAAGBGszKgkbADMNGzxhYmM5C3cCAEAAAAgEazQwCR4ANBkePGFiYwnTKlkARgAACgRrNTYJIQA1MiEAPGFiY11KmH0ATAAADARr' +
    'NjwJJAA2PiQAPGFiY0H0s+UAUgAADgRrN0IJJwA3SicAPGFiY5JHGr4AWAAAEARrOEgJKgA4VioAPGFiYwUZS7UAXgAAEgRrOU4J' +
    'LQA5Yi0AQGFiY13Ks5EAaAAAFAZrMTBWCTEEMTBuMgBAYWJjABYXWgBuAAAWBmsxMVwNNSV7BGFibgMAEKFH4fMA',
  lz4:
    'AAAAAAAAAAAAAAFh/////wKCnFocAAMAAAALAAAAAAAAA+gAAAAAAAAD6P//////////////////AAAADAQiTRhgQIIhAQAA8g4o' +
    'AAAABGswGHZhbHVlIDAgmRcPuwAuAAACBGsxHhUA8gMxIGFiYxg0d6MANAAABARrMiQYABAyGADyAWFiY1qUyb8AOgAABgRrMyob' +
    'ABMzGwDyAWFiYzkLdwIAQAAACARrNDAeABY0HgDyAWFiYwnTKlkARgAACgRrNTYhABk1IQDyAWFiY11KmH0ATAAADARrNjwkABw2' +
    'JADyAWFiY0H0s+UAUgAADgRrN0InAB83JwAA8gFhYmOSRxq+AFgAABAEazhIKgAfOCoAA/IBYWJjBRlLtQBeAAASBGs5Ti0AHzkt' +
    'AAYArgDSyrORAGgAABQGazEwVjEALzEwMgAJ8wJhYmMAFhdaAG4AABYGazExXDUAAXsBDwMAC1ChR+HzAAAAAAA=',
  zstd:
    'AAAAAAAAAAAAAAE4/////wI5xRTYAAQAAAALAAAAAAAAA+gAAAAAAAAD6P//////////////////AAAADCi1L/0AWNwHAEKNMTNA' +
    'c9IYxutTIBW4TVtUNrr47arwnSU3Ir9Rq+koD7GgE2iQbdLUWlhtTxCMvZxD1yARdqbr4KBcnqYDcW6tz5ecAn1+mpjrwNxaCj9y' +
    'CoyN6mluG9tiwocck7EA8DRPF6dFhPd4hgGl8jRNFaZFg+c4B2aH4mlqEtpiwWuMwoKhepolrbQ48BZ/iG4EnmaGZYsBP7FnRbA9' +
    'TZKItGh9xDQ1K6mnOXIYLeJnv6yy0NO8XINb9DzEMgeglgu7RExI8iSELf4PARUAoIlYZasqhlM1LFgXVMMCdTU1LEiXUsMCdB01' +
    'LDgXUWPBvoIaC/LlcxaEa+cI4TDzAQAA',
};
const written = Array.from({ length: 12 }, (_, i) => `value ${i} ${'abc'.repeat(i)}`);

const read = (batch: Buffer) =>
  recordCursor(batch, 0)
    .take(100, 1_000_000)
    .map(({ offset, appendTime, key, value, headers }) => ({ offset, appendTime, key, value, headers }));

test.for(Object.entries(batches))('%s as the Java client writes it', ([, base64]) => {
  const records = read(Buffer.from(base64, 'base64'));
  expect(records.map(({ value }) => Buffer.from(value!).subarray(0, -4).toString('latin1'))).toEqual(written);
  expect(records.map(({ key }) => String(key))).toEqual(written.map((_, i) => `k${i}`));
  expect(records).toEqual(read(Buffer.from(batches.gzip, 'base64')));
});

const payload = (codec: 'lz4' | 'snappy'): Buffer => Buffer.from(batches[codec], 'base64').subarray(61);

test.for([
  ['lz4', unpackLz4],
  ['snappy', unpackSnappy],
] as const)('damaged %s throws and nothing else, and never gives more than allowed', ([codec, unpack]) => {
  const whole = payload(codec);
  const length = unpack(whole, 10_000).length;
  expect(() => unpack(whole, length - 1)).toThrow(WireError);
  expect(unpack(whole, length)).toHaveLength(length);
  fc.assert(
    fc.property(
      fc.nat(whole.length - 1),
      fc.integer({ min: 0, max: 255 }),
      fc.nat(whole.length),
      (at, byte, end) => {
        const damaged = Buffer.from(whole.subarray(0, end));
        if (at < end) damaged[at] = byte;
        try {
          expect(unpack(damaged, 10_000).length).toBeLessThanOrEqual(10_000);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test('snappy without the framing of Java clients', () => {
  const whole = payload('snappy');
  expect(unpackSnappy(whole.subarray(20), 10_000)).toEqual(unpackSnappy(whole, 10_000));
});
