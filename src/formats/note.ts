import { Fault } from '../domain/fault.ts';
import { decoded, isKeyName, type NoteSigner, type NoteVerifier } from './note-key.ts';

/** One line under a note: `— <name> <base64 of key id and signature>`. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

/** C2SP signed-note. */
export interface SignedNote {
  /** What is signed; its last character is LF. */
  readonly text: string;
  /** One or more, as they stand. */
  readonly signatures: readonly NoteSignature[];
}

const noteBytesMax = 1_000_000;
const signaturesMax = 100;
const keyIdBytes = 4;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// biome-ignore lint/suspicious/noControlCharactersInRegex: a note may hold none of these.
const control = /[\u0000-\u0009\u000b-\u001f]/;

const invalid = (reason: string, cause?: unknown): Fault => new Fault('NOTE_INVALID', { reason }, cause);

/**
 * A note and all its signatures, none of them checked. Text and signatures part at the last blank line, so that a text may
 * hold blank lines. Throws `NOTE_INVALID` for anything that is not exactly a note of at most 1,000,000 bytes and 100
 * signatures.
 */
export function parseNote(bytes: Uint8Array): SignedNote {
  if (bytes.length > noteBytesMax) throw invalid(`${bytes.length} bytes`);
  let note: string;
  try {
    note = strict.decode(bytes);
  } catch (error) {
    throw invalid('not UTF-8', error);
  }
  if (control.test(note)) throw invalid('a control character');
  const split = note.lastIndexOf('\n\n');
  if (split < 0) throw invalid('no blank line');
  const lines = note.slice(split + 2);
  if (lines === '' || !lines.endsWith('\n')) throw invalid('no signature');
  const signatures = lines.slice(0, -1).split('\n').map(parseSignature);
  if (signatures.length > signaturesMax) throw invalid(`${signatures.length} signatures`);
  return { text: note.slice(0, split + 1), signatures };
}

function parseSignature(line: string): NoteSignature {
  const [, name, encoded] = /^— ([^ ]+) ([^ ]+)$/u.exec(line) ?? [];
  const bytes = decoded(encoded);
  if (name === undefined || !isKeyName(name) || bytes === undefined || bytes.length <= keyIdBytes)
    throw invalid('a line that is no signature');
  return { name, keyId: bytes.subarray(0, keyIdBytes), signature: bytes.subarray(keyIdBytes) };
}

/** The note's bytes as text. RangeError for a text that does not end with LF or holds what no note may. */
export function formatNote({ text, signatures }: SignedNote): string {
  if (!text.endsWith('\n') || control.test(text) || !text.isWellFormed())
    throw new RangeError('no text of a note');
  return `${text}\n${signatures.map(formatSignature).join('')}`;
}

const formatSignature = ({ name, keyId, signature }: NoteSignature): string =>
  `— ${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`;

/** A note with one signature. */
export const signNote = (text: string, { name, keyId, sign }: NoteSigner): string =>
  formatNote({ text, signatures: [{ name, keyId, signature: sign(text) }] });

/**
 * The note, if at least one of `verifiers` signed it. A signature of an unknown key is passed over; one of a known key that
 * is wrong rejects the whole note, as does a note without a known one: `NOTE_INVALID`.
 */
export function openNote(
  bytes: Uint8Array,
  verifiers: readonly NoteVerifier[],
): SignedNote & { readonly known: readonly NoteSignature[] } {
  const note = parseNote(bytes);
  const known = note.signatures.filter((found) => {
    const verifier = verifiers.find(({ name, keyId }) => name === found.name && keyId.equals(found.keyId));
    if (verifier === undefined) return false;
    if (!verifier.verify(note.text, found.signature))
      throw invalid(`the signature of ${found.name} is wrong`);
    return true;
  });
  if (known.length === 0) throw invalid('no known key signed it');
  return { ...note, known };
}
