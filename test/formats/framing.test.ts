import { expect, test } from 'vitest';
import { confluentId, frameConfluent, payloadStart, unframe } from '../../src/formats/framing.ts';
import { hex, vectors } from './vectors.ts';

test.for(vectors.framing)('golden framing of id $schemaId', ({ schemaId, payload, value }) => {
  expect(frameConfluent(schemaId, hex(payload)).toString('hex')).toBe(value);
  expect(unframe(hex(value))).toEqual(hex(payload));
  expect(confluentId(hex(value))).toBe(schemaId);
});

test('a bare event is taken as it is', () => {
  const bare = hex(vectors.framing[0]!.payload);
  expect(unframe(bare)).toEqual(bare);
  expect(confluentId(bare)).toBeUndefined();
  expect(payloadStart(new Uint8Array())).toBe(0);
});

test('framing cut short is refused', () => {
  expect(() => unframe(Buffer.alloc(4))).toThrow(expect.objectContaining({ code: 'AVRO_INVALID' }));
  expect(unframe(Buffer.alloc(5)).length).toBe(0);
});
