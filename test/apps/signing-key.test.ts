import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeKey, signingKey } from '../../src/apps/signing-key.ts';
import { parseVkey } from '../../src/formats/note-key.ts';

const name = 'annal/019a9f00-0000-7000-8000-0000000000aa';
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'annal-key-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('the first start makes a key that only its owner may read, and the next one uses it', () => {
  const first = signingKey({ file: undefined, dataDir: dir, name })!;
  const second = signingKey({ file: undefined, dataDir: dir, name: 'annal/another' })!;
  expect(second.vkey).toBe(first.vkey);
  expect(parseVkey(first.vkey).verify('text\n', second.sign('text\n'))).toBe(true);
  expect(readdirSync(dir)).toEqual(['signing.key']);
  if (process.platform !== 'win32') expect(statSync(join(dir, 'signing.key')).mode & 0o777).toBe(0o600);
});

test('a key that is named comes before the one of the data folder', () => {
  const file = join(dir, 'named.key');
  const named = makeKey(file, 'audit.example/metadata');
  expect(signingKey({ file, dataDir: dir, name })!.vkey).toBe(named.vkey);
  expect(readdirSync(dir)).toEqual(['named.key']);
});

test('without a key and a data folder nobody signs', () => {
  expect(signingKey({ file: undefined, dataDir: undefined, name })).toBeUndefined();
});

test('a key is never written over', () => {
  const file = join(dir, 'signing.key');
  const { vkey } = makeKey(file, name);
  expect(() => makeKey(file, name)).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
  expect(signingKey({ file, dataDir: undefined, name })!.vkey).toBe(vkey);
  expect(readdirSync(dir)).toEqual(['signing.key']);
});

test('what is no key is refused by the name of its file, and its text stays in it', () => {
  const file = join(dir, 'signing.key');
  const { vkey } = makeKey(file, name);
  const text = readFileSync(file, 'utf8');
  // PRIVATE+KEY+name+hash+key, and the key is Base64: it may hold a plus too.
  const secret = text.trimEnd().split('+').slice(4).join('+');
  expect(secret).toHaveLength(44);
  chmodSync(file, 0o600);
  writeFileSync(file, text.replace('PRIVATE+KEY', 'PRIVATE'));
  for (const given of [
    { file, dataDir: undefined },
    { file: undefined, dataDir: dir },
  ]) {
    let refused: unknown;
    try {
      signingKey({ ...given, name });
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'KEY_INVALID', facts: { file } });
    expect(JSON.stringify(refused) + String(refused)).not.toContain(secret);
  }
  expect(vkey).not.toContain(secret);
  expect(() => signingKey({ file: join(dir, 'none'), dataDir: dir, name })).toThrow(/ENOENT/);
});
