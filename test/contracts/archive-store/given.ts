import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { ArchiveStore, BlobFound, ETag, StateStore } from '../../../src/ports/archive.ts';

/** A place for archives to be judged: handles opened in it are handles of one store, as of two processes. */
export interface ArchiveUnderTest extends AsyncDisposable {
  /** A handle of the store; called more than once. */
  open(): Promise<ArchiveStore>;
  /** How many names the law on long lists makes; above one page of a list where the store has pages. */
  readonly manyNames: number;
}

/** Two handles of the store under test; laws ask for them when they run. */
export interface Handles {
  readonly store: ArchiveStore;
  readonly other: ArchiveStore;
  readonly under: ArchiveUnderTest;
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
export async function all(found: AsyncIterable<BlobFound>): Promise<BlobFound[]> {
  const blobs: BlobFound[] = [];
  for await (const blob of found) blobs.push(blob);
  return blobs;
}
export const names = async (found: AsyncIterable<BlobFound>): Promise<string[]> =>
  (await all(found)).map(({ name }) => name);
export const inByteOrder = (some: readonly string[]): string[] =>
  [...some].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));

/** A folder of its own for each law, so that all of them share one store. */
export const newFolder = (): string => `law-${randomBytes(6).toString('hex')}`;

export async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>) {
  for (let i = 0; i < items.length; i += atOnce) await Promise.all(items.slice(i, i + atOnce).map(work));
}

export const written = async (
  state: StateStore,
  blob: string,
  text: string,
  etag: ETag | null,
): Promise<ETag> => {
  const answer = await state.write(blob, bytes(text), etag);
  expect(answer).not.toBe('changed');
  return answer;
};
export const text = async (state: StateStore, blob: string): Promise<string | undefined> =>
  (await state.read(blob))?.bytes.toString('utf8');
