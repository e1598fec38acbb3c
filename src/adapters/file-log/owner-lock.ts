import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../domain/fault.ts';
import { isErrno } from './disk.ts';

const sqliteBusy = 5;

/** Where the owner can be reached. */
export interface OwnerAddress {
  /** A URL. */
  readonly address: string;
  readonly pid: number;
}

/** A data folder held by this process until it is released or the process ends, however it ends. */
export interface OwnerLock extends AsyncDisposable {
  /** Tells others where the owner is, in `server.json`: one step, no half-written file. */
  announce(owner: OwnerAddress): void;
  /** Frees the folder; again is no error. */
  release(): void;
}

/**
 * Takes the folder (made if missing) or throws ALREADY_RUNNING, with `folder` and, where the owner has
 * announced itself, `address` and `pid`. Node has no flock, so the lock is that of a SQLite file held under
 * BEGIN EXCLUSIVE: the system frees it at once, also after SIGKILL. Nothing else may open `owner.lock` in
 * this process: closing any handle of the file would free the lock. Not for network file systems.
 */
export function takeOwnerLock(dir: string): OwnerLock {
  mkdirSync(dir, { recursive: true });
  const announced = join(dir, 'server.json');
  const database = new DatabaseSync(join(dir, 'owner.lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new Fault('ALREADY_RUNNING', { folder: dir, ...ownerOf(announced) }, error);
  }
  // What a killed owner said is no longer true.
  rmSync(announced, { force: true });
  const release = () => {
    if (!database.isOpen) return;
    rmSync(announced, { force: true });
    database.close();
  };
  return {
    announce({ address, pid }) {
      if (!database.isOpen) throw new Error('the owner lock is released');
      const temporary = `${announced}.new`;
      writeFileSync(temporary, `${JSON.stringify({ address, pid })}\n`);
      renameSync(temporary, announced);
    },
    release,
    [Symbol.asyncDispose]: async () => release(),
  };
}

/** The address of the process that owns `dir`, as it announced it; it may have ended since. */
export const readOwner = (dir: string): OwnerAddress | undefined => ownerOf(join(dir, 'server.json'));

function ownerOf(file: string): OwnerAddress | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof found !== 'object' || found === null || !('address' in found) || !('pid' in found))
      return undefined;
    const { address, pid } = found;
    return typeof address === 'string' && typeof pid === 'number' ? { address, pid } : undefined;
  } catch (error) {
    // Not announced yet, or not ours: the owner is there all the same.
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy;
