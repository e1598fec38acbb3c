import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JsonScanOptions, type JsonSpan, judgeJson, scanJson } from '../../src/formats/json-text.ts';
import { hex, vectors } from './vectors.ts';

const judge = (text: string, options?: JsonScanOptions) => judgeJson(Buffer.from(text), options);
const fault = (text: string, options?: JsonScanOptions) => {
  const verdict = scanJson(Buffer.from(text), options);
  if (verdict.verdict === 'accept') throw new Error('accepted');
  return verdict;
};
const nested = (depth: number, inside = '') => '['.repeat(depth) + inside + ']'.repeat(depth);

/** What ECMAScript's own parser says; it lets escaped lone surrogates pass. */
function isJson(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    let wellFormed = true;
    JSON.parse(text, (key, value) => {
      wellFormed &&= key.isWellFormed() && (typeof value !== 'string' || value.isWellFormed());
      return value;
    });
    return wellFormed;
  } catch {
    return false;
  }
}

test.for(vectors.verdicts)('golden verdict: $verdict of $text$hex', ({ text, hex: bytes, verdict }) => {
  expect(judgeJson(text === undefined ? hex(bytes!) : Buffer.from(text))).toBe(verdict);
});

describe('validity', () => {
  test('is what ECMAScript says, for any bytes near JSON', () => {
    const piece = fc.constantFrom(
      ...'{}[]:,"\\/ \n\tabfnrtuE-+.0123456789'.split(''),
      ...[
        '"a"',
        '"b":',
        'true',
        'false',
        'null',
        '\\u',
        '\\ud800',
        '\\udc00',
        'é',
        '\u{1F600}',
        '\u007f',
        '\u0000',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(''));
        expect(judgeJson(bytes) === 'JSON_INVALID').toBe(!isJson(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  test('is what ECMAScript says, for JSON with a byte changed', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.nat(255), (text, place, byte) => {
        const bytes = Buffer.from(text);
        bytes[place % bytes.length] = byte;
        expect(judgeJson(bytes) === 'JSON_INVALID').toBe(!isJson(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  test('is what ECMAScript says, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        expect(judgeJson(bytes) === 'JSON_INVALID').toBe(!isJson(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  test('surrogates count only as a high one and its low one, escaped', () => {
    const piece = fc.constantFrom(
      '\\ud800',
      '\\uDBFF',
      '\\udc00',
      '\\uDFFF',
      '\\u0061',
      '\\n',
      'a',
      'é',
      '\u{1F600}',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), (pieces) => {
        const bytes = Buffer.from(`"${pieces.join('')}"`);
        expect(judgeJson(bytes)).toBe(isJson(bytes) ? 'accept' : 'JSON_INVALID');
      }),
      { numRuns: 2_000 },
    );
  });

  test('the place of the fault is told in bytes', () => {
    expect(fault('{"é":1,}')).toEqual({ verdict: 'JSON_INVALID', at: 8, pointer: '' });
    expect(fault('{"a":[1,{"b":x}]}')).toEqual({ verdict: 'JSON_INVALID', at: 13, pointer: '/a/1/b' });
    expect(fault('["\\ud800"]')).toMatchObject({ at: 2 });
    expect(fault('"open')).toMatchObject({ at: 5 });
    for (const [before, after] of [
      [0, 0],
      [1, 3],
      [1_000, 1],
      [7, 1_000],
    ] as const) {
      for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]]) {
        const bytes = Buffer.concat([Buffer.alloc(before, 'é'), Buffer.from(bad), Buffer.alloc(after, 'x')]);
        const at = before % 2 === 0 ? before : before - 1;
        expect(scanJson(bytes)).toEqual({ verdict: 'JSON_INVALID', at, pointer: '' });
      }
    }
  });
});

describe('faults of content', () => {
  test('an object is faulty exactly if two of its keys are equal, however they are spelled', () => {
    const escaped = (key: string) =>
      [...key].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    const key = fc.constantFrom('a', 'b', 'ab', '', '"', '\\', '__proto__', 'é', 'constructor');
    const spelled = fc.tuple(fc.oneof(key, fc.nat(60).map(String)), fc.boolean());
    fc.assert(
      fc.property(fc.array(spelled, { maxLength: 60 }), (keys) => {
        const members = keys.map(
          ([name, hidden]) => `${hidden ? `"${escaped(name)}"` : JSON.stringify(name)}:{"a":0}`,
        );
        const twice = new Set(keys.map(([name]) => name)).size < keys.length;
        expect(judge(`[{${members.join()}}]`)).toBe(twice ? 'DUPLICATE_KEY' : 'accept');
      }),
      { numRuns: 1_000 },
    );
  });

  test('keys of one object do not count in the next, whatever their number', () => {
    for (const count of [1, 12, 13, 100]) {
      const object = `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join()}}`;
      expect(judge(`[${object},${object},{"k0":0},${object}]`)).toBe('accept');
      expect(judge(`[${object},{"k0":0,"k0":0}]`)).toBe('DUPLICATE_KEY');
    }
  });

  test('every double in every spelling passes, a digit more does not', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(9), (double, digit) => {
        fc.pre(double !== 0);
        const shortest = JSON.stringify(double);
        for (const text of [shortest, double.toExponential()]) expect(judge(text), text).toBe('accept');
        const [mantissa, power] = double.toExponential(20).split('e');
        const more = `${mantissa}${digit}1e${power}`;
        // Only what is exactly a short decimal survives that many digits, and this has a 1 behind them.
        expect(judge(more), more).toBe('NUMBER_LOSSY');
      }),
      { numRuns: 2_000 },
    );
  });

  test('digits and zeros without end take no time', () => {
    for (const text of [
      `1${'0'.repeat(400)}1`,
      '0'.repeat(500_000),
      `0.${'0'.repeat(500_000)}`,
      `1e${'9'.repeat(500_000)}`,
    ])
      expect(judge(text)).toMatch(/NUMBER_LOSSY|JSON_INVALID/);
  });

  test('the leftmost is told, with its place', () => {
    expect(fault('{"a/b":[{"c":1,"c":2}],"d":-0}')).toEqual({
      verdict: 'DUPLICATE_KEY',
      at: 15,
      pointer: '/a~1b/0/c',
    });
    expect(fault('{"~":[0,-0],"~":1}')).toEqual({ verdict: 'NUMBER_LOSSY', at: 8, pointer: '/~0/1' });
    expect(fault('{"a":-0,"a":}')).toMatchObject({ verdict: 'JSON_INVALID' });
  });

  test('a scan of the syntax alone tells what is no JSON and nothing of the content', () => {
    for (const { text, hex: bytes, verdict } of vectors.verdicts) {
      const found = judgeJson(text === undefined ? hex(bytes!) : Buffer.from(text), { syntaxOnly: true });
      expect(found, text).toBe(verdict === 'JSON_INVALID' ? verdict : 'accept');
    }
    expect(judge(nested(65), { syntaxOnly: true })).toBe('JSON_TOO_DEEP');
  });

  test('__proto__ is refused when asked, at any depth and in any spelling', () => {
    const options = { protoForbidden: true };
    for (const key of ['__proto__', '\\u005f_proto__']) {
      const text = `{"a":[{"${key}":1}]}`;
      expect(judge(text)).toBe('accept');
      expect(fault(text, options)).toEqual({ verdict: 'KEY_FORBIDDEN', at: 7, pointer: '/a/0/__proto__' });
    }
    expect(judge('["__proto__"]', options)).toBe('accept');
  });
});

describe('bounds', () => {
  test('depth is bounded, whatever follows', () => {
    expect(judge(nested(64))).toBe('accept');
    expect(judge(nested(65))).toBe('JSON_TOO_DEEP');
    expect(judge(nested(3), { depthMax: 2 })).toBe('JSON_TOO_DEEP');
    expect(judge(nested(2, '1'), { depthMax: 2 })).toBe('accept');
    expect(judge('[1]', { depthMax: 0 })).toBe('JSON_TOO_DEEP');
    expect(fault('{"a":'.repeat(1_000_000))).toMatchObject({ verdict: 'JSON_TOO_DEEP', at: 64 * 5 });
  });

  test('spans are bounded', () => {
    expect(judge(`[${'0,'.repeat(5)}0]`, { spanDepth: 1, spansMax: 7 })).toBe('accept');
    expect(judge(`[${'0,'.repeat(6)}0]`, { spanDepth: 1, spansMax: 7 })).toBe('JSON_TOO_LARGE');
    expect(judge(`[${'0,'.repeat(200_000)}0]`, { spanDepth: 0 })).toBe('accept');
    expect(judge(`[${'0,'.repeat(200_000)}0]`, { spanDepth: 2 })).toBe('JSON_TOO_LARGE');
  });

  test('a huge object is judged in about the time of its length', () => {
    const keys = Array.from({ length: 100_000 }, (_, i) => `"key${i}":0`);
    expect(judge(`{${keys.join()}}`)).toBe('accept');
    expect(judge(`{${keys.join()},"key50000":0}`)).toBe('DUPLICATE_KEY');
  });
});

describe('spans', () => {
  const space = fc.constantFrom('', ' ', '\n', '\t\r ');
  const spaced = (value: unknown, gap: string): string => {
    if (Array.isArray(value))
      return `[${gap}${value.map((item) => spaced(item, gap)).join(`${gap},${gap}`)}${gap}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const members = Object.entries(value).map(
      ([key, item]) => `${JSON.stringify(key)}${gap}:${gap}${spaced(item, gap)}`,
    );
    return `{${gap}${members.join(`${gap},${gap}`)}${gap}}`;
  };
  const built = (bytes: Buffer, span: JsonSpan): unknown => {
    if (span.members !== undefined) {
      return Object.fromEntries(span.members.map(({ key, value }) => [key, built(bytes, value)]));
    }
    if (span.items !== undefined) return span.items.map((item) => built(bytes, item));
    return JSON.parse(bytes.toString('utf8', span.start, span.end));
  };
  const kindOf = (value: unknown) =>
    value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

  test('are where the values are, down to any depth', () => {
    const json = fc.jsonValue({ noUnicodeString: false }).map((value) => JSON.parse(JSON.stringify(value)));
    fc.assert(
      fc.property(json, space, fc.nat(4), (value, gap, spanDepth) => {
        const bytes = Buffer.from(gap + spaced(value, gap) + gap);
        const scanned = scanJson(bytes, { spanDepth });
        if (scanned.verdict !== 'accept') return expect(scanned.verdict).toBe('NUMBER_LOSSY');
        expect(built(bytes, scanned.root)).toEqual(value);
        expect(scanned.root.kind).toBe(kindOf(value));
        expect(bytes.toString('utf8', scanned.root.start, scanned.root.end)).toBe(spaced(value, gap));
      }),
      { numRuns: 1_000 },
    );
  });

  test('a member is cut out as it was sent', () => {
    const bytes = Buffer.from('[{"urn":"é","value": {"n" : 1.0} }, 3]');
    const scanned = scanJson(bytes);
    if (scanned.verdict !== 'accept') throw new Error(scanned.verdict);
    const { value } = scanned.root.items![0]!.members!.find(({ key }) => key === 'value')!;
    expect(bytes.toString('utf8', value.start, value.end)).toBe('{"n" : 1.0}');
    expect(value).toEqual({ kind: 'object', start: value.start, end: value.end });
    expect(scanned.root.items![1]).toEqual({ kind: 'number', start: 37, end: 38 });
  });
});
