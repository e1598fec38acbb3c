import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault, isFault } from '../domain/fault.ts';
import { formatSkey, type NoteSigner, parseSkey } from '../formats/note-key.ts';

const seedBytes = 32;
export const keyFile = 'signing.key';

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

/**
 * The key that signs checkpoints: the one of the named file, else that of the data folder, where it is made at the first
 * start; undefined where there is neither. Throws `KEY_INVALID` with the file's name, never with what it holds.
 */
export function signingKey(given: {
  readonly file: string | undefined;
  /** Owned by this process; undefined where no port is embedded. */
  readonly dataDir: string | undefined;
  /** Of a key that is made now. */
  readonly name: string;
}): NoteSigner | undefined {
  if (given.file !== undefined) return readKey(given.file);
  if (given.dataDir === undefined) return undefined;
  const file = join(given.dataDir, keyFile);
  try {
    return readKey(file);
  } catch (error) {
    if (!isFault(error, 'KEY_INVALID') || codeOf(error.cause) !== 'ENOENT') throw error;
    return makeKey(file, given.name);
  }
}

/** One line: the text of a private key. */
export function readKey(file: string): NoteSigner {
  try {
    return parseSkey(readFileSync(file, 'utf8').trimEnd());
  } catch (error) {
    if (isFault(error)) throw new Fault('KEY_INVALID', { file, ...error.facts });
    throw new Fault('KEY_INVALID', { file, reason: `it cannot be read: ${String(codeOf(error))}` }, error);
  }
}

/**
 * Makes a key in a file that only its owner may read; synced before it signs anything. Throws `KEY_INVALID` where the file is
 * there already: a key is never written over.
 */
export function makeKey(file: string, name: string): NoteSigner {
  const skey = formatSkey(name, randomBytes(seedBytes));
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(handle, `${skey}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    try {
      linkSync(temporary, file);
    } finally {
      unlinkSync(temporary);
    }
    syncFolder(dirname(file));
  } catch (error) {
    throw new Fault('KEY_INVALID', { file, reason: `it cannot be made: ${String(codeOf(error))}` }, error);
  }
  return parseSkey(skey);
}

function syncFolder(path: string): void {
  // Windows opens no folders; its file systems keep names in a journal of their own.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
