import { Fault } from '../domain/fault.ts';
import { canonicalJson } from './json-canonical.ts';

/** The files a fold is made of, as they were, and the one that is loaded first (docs/formats/fold-bundle.md). */
export interface FoldBundle {
  /** Path of the file whose default export is the projection. */
  readonly entry: string;
  /** Texts by their paths below one folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** Of a bundle as it is kept; ours take 170 kB. */
export const bundleBytesMax = 8 * 1024 * 1024;
const filesMax = 1_000;
/** Segments of letters, digits, `_`, `-` and `.`, none of which begins with a dot. */
const path = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/;

/** Canonical JSON (RFC 8785): the same files are the same bytes, and their SHA-256 is the bundle's name. */
export const bundleBytes = ({ entry, files }: FoldBundle): Buffer =>
  Buffer.from(canonicalJson({ v: 1, entry, files }));

/** A bundle read back. Throws `ARCHIVE_CORRUPT` for what is none, or names files elsewhere. */
export function parseBundle(bytes: Uint8Array, blob: string): FoldBundle {
  const corrupt = (reason: string, cause?: unknown): Fault =>
    new Fault('ARCHIVE_CORRUPT', { blob, reason }, cause);
  if (bytes.length > bundleBytesMax) throw corrupt('larger than a bundle may be');
  let found: { readonly v?: unknown; readonly entry?: unknown; readonly files?: unknown };
  try {
    found = JSON.parse(Buffer.from(bytes).toString('utf8')) as typeof found;
  } catch (error) {
    throw corrupt('not JSON', error);
  }
  const { v, entry, files } = found ?? {};
  if (v !== 1 || typeof entry !== 'string' || typeof files !== 'object' || files === null)
    throw corrupt('no bundle of a fold');
  const texts = Object.entries(files);
  const isWhole = texts.every(([name, text]) => path.test(name) && typeof text === 'string');
  if (!isWhole || texts.length > filesMax || !Object.hasOwn(files, entry))
    throw corrupt('no bundle of a fold');
  return { entry, files: files as FoldBundle['files'] };
}
