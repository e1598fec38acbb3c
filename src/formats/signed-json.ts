import { Fault } from '../domain/fault.ts';
import { canonicalJson } from './json-canonical.ts';
import { parseNote, signNote } from './note.ts';
import type { NoteSigner } from './note-key.ts';

/** A JSON value as it is signed: a line that says what it is, and one of canonical JSON. */
export const signedJsonText = (firstLine: string, value: unknown): string =>
  `${firstLine}\n${canonicalJson(value)}\n`;

/** Its note, or the text alone where nobody signs. */
export function signedJson(
  firstLine: string,
  value: unknown,
  signer: NoteSigner | undefined,
): { readonly note: string; readonly signedBy: readonly string[] } {
  const text = signedJsonText(firstLine, value);
  return signer === undefined
    ? { note: text, signedBy: [] }
    : { note: signNote(text, signer), signedBy: [signer.name] };
}

/** What stands below a first line, and the names under it, none of them checked. Throws `NOTE_INVALID` for any other text. */
export function parseSignedJson(
  firstLine: string,
  bytes: Uint8Array,
): { readonly value: unknown; readonly note: string; readonly signedBy: readonly string[] } {
  const note = Buffer.from(bytes).toString('utf8');
  const { text, signatures } = note.includes('\n\n') ? parseNote(bytes) : { text: note, signatures: [] };
  const [first, json, end, ...more] = text.split('\n');
  const invalid = (reason: string, cause?: unknown): Fault => new Fault('NOTE_INVALID', { reason }, cause);
  if (first !== firstLine || json === undefined || end !== '' || more.length > 0)
    throw invalid(`it does not begin with ${firstLine}, or is more than that`);
  try {
    const value: unknown = JSON.parse(json);
    if (signedJsonText(firstLine, value) !== text) throw invalid('its JSON is not canonical');
    return { value, note, signedBy: signatures.map(({ name }) => name) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) throw invalid('no JSON', error);
    throw error;
  }
}
