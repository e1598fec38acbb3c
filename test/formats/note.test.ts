import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatCheckpoint, parseCheckpoint } from '../../src/formats/checkpoint.ts';
import { leafHash, treeRoot } from '../../src/formats/leaf.ts';
import { formatNote, openNote, parseNote, signNote } from '../../src/formats/note.ts';
import { cosign, formatSkey, parseSkey, parseVkey } from '../../src/formats/note-key.ts';

const seed = (first: number): Buffer => Buffer.from(Array.from({ length: 32 }, (_, i) => first + i));
const name = 'audit.example/metadata/prod';
const skey = formatSkey(name, seed(0));
const ours = parseSkey(skey);
const verifier = parseVkey(ours.vkey);
const { root } = { root: treeRoot([0, 1, 2].map((i) => leafHash(`event-${i}`))) };
const text = formatCheckpoint({ origin: name, size: 3, root });
const bytes = (note: string): Buffer => Buffer.from(note);
const lineOf = (note: string): string => note.trimEnd().split(' ').at(-1)!;

describe('published notes', () => {
  test('a key of Go and its signature', () => {
    const neumann = parseSkey(
      'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz',
    );
    const message =
      'If you think cryptography is the answer to your problem,\nthen you don’t know what your problem is.\n'.replace(
        '’',
        "'",
      );
    expect(neumann.vkey).toBe('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    expect(signNote(message, neumann)).toBe(
      `${message}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`,
    );
  });

  test('the note of the specification', () => {
    const example = parseVkey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k');
    const signature =
      'Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=';
    const note = `This is an example message.\n\n— example.com/foo ${signature}\n`;
    expect(openNote(bytes(note), [example]).text).toBe('This is an example message.\n');
  });

  test('a log of fifteen entries', () => {
    const key = 'PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg';
    const words = 'one two three four five six seven eit nain ten ileven twelf threeten fourten fivten'.split(
      ' ',
    );
    const signer = parseSkey(key);
    const signed = signNote(
      formatCheckpoint({ origin: signer.name, size: 15, root: treeRoot(words.map(leafHash)) }),
      signer,
    );
    expect(signed).toBe(
      'example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n— example.com/log/testdata ' +
        'M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=\n',
    );
    expect(parseCheckpoint(openNote(bytes(signed), [parseVkey(signer.vkey)]).text).size).toBe(15);
  });

  test('our key, checkpoint and signature', () => {
    expect(ours.vkey).toBe(
      'audit.example/metadata/prod+951fd6da+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4',
    );
    expect(text).toBe(`${name}\n3\n2y7/5k02NSvNTCYL3g4RODEMn3e4nUxXV4ZS+bGFtjA=\n`);
    expect(lineOf(signNote(text, ours))).toBe(
      'lR/W2klfDanhckTQYN19CQ50/uSru16HYPXDFSc3X69HoqcRx2jxumDU/59CzoIczfFNcdPO9KcV1JZBsjNb6VAa3AE=',
    );
  });

  test('a cosignature', () => {
    const witness = { name: 'witness.example/w1', seed: seed(0x20) };
    const { vkey, keyId, signature } = cosign(witness, text, 1_700_000_000);
    expect(vkey).toBe('witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X');
    expect(Buffer.concat([keyId, signature]).toString('base64')).toBe(
      'IDJKvgAAAABlU/EAPfnqdPveD/DFDy9M0caKw7/jHq4KqB7O+5rG0PTV1+QBNqYbnHC4pkRlfyDndt+MtM2c4GkO8vekfi5iRYDiDQ==',
    );
    const parsed = parseVkey(vkey);
    expect(parsed.kind).toBe('cosignature');
    expect(parsed.verify(text, signature)).toBe(true);
    const later = Buffer.from(signature);
    later[7]! += 1;
    expect(parsed.verify(text, later)).toBe(false);
  });
});

describe('a note', () => {
  const other = parseSkey(formatSkey('other.example', seed(0x40)));
  const signatureOf = ({ name, keyId, sign }: typeof ours, of = text) => ({
    name,
    keyId,
    signature: sign(of),
  });

  test('is taken from anybody known, whoever else signed it', () => {
    const strangers = Array.from({ length: 16 }, (_, i) =>
      signatureOf(parseSkey(formatSkey(`stranger-${i}.example`, seed(i)))),
    );
    const note = formatNote({ text, signatures: [...strangers, signatureOf(ours)] });
    const { known, signatures } = openNote(bytes(note), [verifier]);
    expect(signatures).toHaveLength(17);
    expect(known.map((found) => found.name)).toEqual([name]);
  });

  test('with a wrong signature of a known key is refused, though another is right', () => {
    const wrong = { ...signatureOf(ours), signature: ours.sign('other\n') };
    const note = formatNote({ text, signatures: [signatureOf(other), wrong] });
    expect(() => openNote(bytes(note), [verifier, parseVkey(other.vkey)])).toThrow(/wrong/);
  });

  test('of strangers alone is refused', () => {
    expect(() => openNote(bytes(signNote(text, other)), [verifier])).toThrow(/no known key/);
  });

  test('a key is known by its name and its id', () => {
    const renamed = { ...signatureOf(ours), name: 'other.example' };
    expect(() => openNote(bytes(formatNote({ text, signatures: [renamed] })), [verifier])).toThrow(
      /no known key/,
    );
  });

  test('may hold blank lines: the last one parts text and signatures', () => {
    const blank = 'one\n\ntwo\n\n\nthree\n';
    expect(openNote(bytes(signNote(blank, ours)), [verifier]).text).toBe(blank);
  });

  test.each([
    ['nothing', ''],
    ['no blank line', 'a\n— x AAAAAAA=\n'],
    ['no signature', 'a\n\n'],
    ['no last line feed', signNote(text, ours).trimEnd()],
    ['a carriage return', signNote(text, ours).replaceAll('\n', '\r\n')],
    ['another dash', signNote(text, ours).replace('—', '-')],
    ['a name with a plus', signNote(text, ours).replace(`— ${name}`, '— a+b')],
    ['a signature of four bytes', 'a\n\n— x AAAAAA==\n'],
    ['base64 of another spelling', signNote(text, ours).replace(/=\n$/, '\n')],
    ['a blank line after the signatures', `${signNote(text, ours)}\n`],
    ['101 signatures', formatNote({ text, signatures: new Array(101).fill(signatureOf(ours)) })],
  ])('is refused with %s', (_, note) => {
    expect(() => parseNote(bytes(note))).toThrow(expect.objectContaining({ code: 'NOTE_INVALID' }));
  });

  test('is refused where it is not UTF-8', () => {
    const note = bytes(signNote('größe\n', ours));
    note[2] = 0xff;
    expect(() => parseNote(note)).toThrow(expect.objectContaining({ code: 'NOTE_INVALID' }));
  });

  test('no bit of a signed note can change', () => {
    const note = bytes(signNote(text, ours));
    fc.assert(
      fc.property(fc.nat({ max: note.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(note);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        expect(() => openNote(changed, [verifier])).toThrow(
          expect.objectContaining({ code: 'NOTE_INVALID' }),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('comes back as it was written', () => {
    const line = fc.string({ unit: 'grapheme' }).map((given) => given.replaceAll(/\p{Cc}/gu, ''));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        const written = `${lines.join('\n')}\n`;
        expect(openNote(bytes(signNote(written, ours)), [verifier]).text).toBe(written);
      }),
    );
  });
});

describe('keys', () => {
  test.each([
    ['the id of another', skey.replace('951fd6da', '951fd6db')],
    ['an open key', ours.vkey],
    ['another type', skey.replace('+AQAB', '+AgAB')],
    ['one byte too few', `${skey.slice(0, -5)}=`],
    ['a line behind it', `${skey}\n`],
  ])('a private one is refused with %s, and its text is told to nobody', (_, given) => {
    const refused = (() => {
      try {
        return parseSkey(given);
      } catch (error) {
        return error as Error;
      }
    })();
    expect(refused).toMatchObject({ code: 'KEY_INVALID' });
    expect(JSON.stringify(refused) + (refused as Error).message).not.toContain(given.split('+').at(-1));
  });

  test.each([
    ['the id of another', ours.vkey.replace('951fd6da', '951fd6db')],
    ['ECDSA', ours.vkey.replace('+AQOh', '+AgOh')],
    ['no name', ours.vkey.replace(name, '')],
    ['a space in the name', ours.vkey.replace(name, 'a b')],
  ])('an open one is refused with %s', (_, given) => {
    expect(() => parseVkey(given)).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
  });
});

describe('a checkpoint', () => {
  test('of nothing has the root of nothing', () => {
    expect(formatCheckpoint({ origin: 'o', size: 0, root: treeRoot([]) })).toBe(
      'o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
    );
  });

  test.each([
    ['a leading zero', `${name}\n03\n${root.toString('base64')}\n`],
    ['a sign', `${name}\n+3\n${root.toString('base64')}\n`],
    ['no origin', `\n3\n${root.toString('base64')}\n`],
    ['an origin with a space', `a b\n3\n${root.toString('base64')}\n`],
    ['a short root', `${name}\n3\n${root.subarray(1).toString('base64')}\n`],
    ['a root without padding', `${name}\n3\n${root.toString('base64').replace('=', '')}\n`],
    ['a further line', `${text}more\n`],
    ['a size beyond what counts', `${name}\n9999999999999999\n${root.toString('base64')}\n`],
  ])('is refused with %s', (_, given) => {
    expect(() => parseCheckpoint(given)).toThrow(expect.objectContaining({ code: 'NOTE_INVALID' }));
  });
});
