import { Fault } from '../domain/fault.ts';
import { recordHash } from '../formats/leaf.ts';
import type { StateStore } from '../ports/archive.ts';
import { bundleName } from './archive-names.ts';

const hexOf = (bytes: Uint8Array): string => recordHash(bytes).toString('hex');

/** Keeps the code of a fold under the SHA-256 of its bytes, and gives that. What is there is never written again. */
export async function keepBundle(state: StateStore, bytes: Buffer): Promise<string> {
  const sha256 = hexOf(bytes);
  if ((await readBundle(state, sha256)) === undefined) await state.replace(bundleName(sha256), bytes);
  return sha256;
}

/**
 * The kept code of this hash; undefined where there is none. Rejects with `ARCHIVE_CORRUPT` where other bytes stand under the
 * name: nothing of them is ever run.
 */
export async function readBundle(state: StateStore, sha256: string): Promise<Buffer | undefined> {
  const blob = bundleName(sha256);
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'no SHA-256' });
  const found = await state.read(blob);
  if (found === undefined) return undefined;
  if (hexOf(found.bytes) !== sha256)
    throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'its bytes have another hash than its name' });
  return found.bytes;
}
