import { expect, test } from 'vitest';
import type { Header } from '../../src/domain/event.ts';
import {
  azureHeader,
  azureId,
  confluentId,
  frameConfluent,
  framingBytes,
  payloadStart,
  unframe,
} from '../../src/formats/framing.ts';
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

const guid = '0b0bd5a7d3d84b4d8fa2f3d8f3ed2f12';
const header = (name: string, value: string | null): Header => [
  Buffer.from(name),
  value === null ? null : Buffer.from(value),
];

test('golden header of Azure', () => {
  const [name, value] = azureHeader(guid);
  expect(Buffer.from(name).toString('hex')).toBe('636f6e74656e742d74797065');
  expect(Buffer.from(value!).toString('latin1')).toBe(`avro/binary+${guid}`);
  expect(name.length + value!.length).toBeLessThanOrEqual(framingBytes.azure);
});

test('the id is read from the only header of that name, dashed or not, in any case', () => {
  const dashed = '0B0BD5A7-D3D8-4B4D-8FA2-F3D8F3ED2F12';
  expect(azureId([header('other', 'x'), azureHeader(guid)])).toBe(guid);
  expect(azureId([azureHeader(dashed)])).toBe(dashed.toLowerCase());
  for (const none of [
    [],
    [azureHeader(guid), azureHeader(guid)],
    [azureHeader(guid), header('content-type', 'text/plain')],
    [header('Content-Type', `avro/binary+${guid}`)],
    ...['application/json', 'avro/binary+', `avro/binary+${guid}0`, 'avro/binary+../x', '', null].map(
      (value) => [header('content-type', value)],
    ),
  ])
    expect(azureId(none), JSON.stringify(none.map(String))).toBeUndefined();
});
