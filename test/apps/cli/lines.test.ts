import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Line, readLines } from '../../../src/apps/cli/lines.ts';

async function linesOf(chunks: readonly (Buffer | string)[], max = 100): Promise<Line[]> {
  async function* stream(): AsyncGenerator<Buffer | string> {
    yield* chunks;
  }
  const lines: Line[] = [];
  for await (const line of readLines(stream(), max)) lines.push(line);
  return lines;
}

const texts = (lines: readonly Line[]) => lines.map(({ number, bytes }) => [number, bytes?.toString()]);

test('lines end in either way, the last one need not; blank ones and a byte order mark are no lines', async () => {
  expect(texts(await linesOf(['\ufeff{"a":1}\r\n\n  \t\r\n{"b":2}\n{"c":3}']))).toEqual([
    [1, '{"a":1}'],
    [4, '{"b":2}'],
    [5, '{"c":3}'],
  ]);
});

test('where chunks are cut does not show', async () => {
  const piece = fc.constantFrom('a', '\n', '\r\n', ' ', 'ü', '\u{1f600}', 'x'.repeat(9));
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 40 }),
      fc.array(fc.nat(200), { maxLength: 8 }),
      async (pieces, cuts) => {
        const bytes = Buffer.from(pieces.join(''));
        const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, at) => bytes.subarray(places[at], end));
        expect(texts(await linesOf(chunks, 20))).toEqual(texts(await linesOf([bytes], 20)));
      },
    ),
  );
});

test('a line that is too long is passed over, wherever it stands', async () => {
  const long = 'x'.repeat(30);
  const lines = await linesOf([`${long.slice(0, 15)}`, `${long}\na\n${long}\nb\n${long}`], 20);
  expect(texts(lines)).toEqual([
    [1, undefined],
    [2, 'a'],
    [3, undefined],
    [4, 'b'],
    [5, undefined],
  ]);
});
