import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readOwner, takeOwnerLock } from '../../../src/adapters/file-log/owner-lock.ts';
import { isFault } from '../../../src/domain/fault.ts';

// Real processes: a lock is only worth what the system does with it when its holder dies.

let dir: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'annal-owner-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

async function owner(): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'lock-owner.ts');
  const child = spawn(process.execPath, [script, dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout!, 'data');
  return child;
}

function refusal(): unknown {
  try {
    takeOwnerLock(dir).release();
    return 'taken';
  } catch (error) {
    return isFault(error) ? { code: error.code, facts: error.facts } : error;
  }
}

test('a second process is told who owns the folder and where', async () => {
  const { pid } = await owner();
  const address = 'http://127.0.0.1:4711';
  expect(refusal()).toEqual({ code: 'ALREADY_RUNNING', facts: { folder: dir, address, pid } });
  expect(readOwner(dir)).toEqual({ address, pid });
});

test('a killed owner frees the folder at once, and what it announced is gone', async () => {
  const child = await owner();
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  expect(readOwner(dir)).toBeDefined();
  const lock = takeOwnerLock(dir);
  expect(readOwner(dir)).toBeUndefined();
  lock.release();
});

test('an owner that ends in order frees the folder and takes its address back', async () => {
  const child = await owner();
  const ended = once(child, 'exit');
  child.stdin!.end();
  await ended;
  expect(existsSync(join(dir, 'server.json'))).toBe(false);
  expect(refusal()).toBe('taken');
});

test('one process cannot take a folder twice, and a released one is free', () => {
  const lock = takeOwnerLock(dir);
  expect(refusal()).toMatchObject({ code: 'ALREADY_RUNNING' });
  lock.release();
  lock.release();
  expect(refusal()).toBe('taken');
});

test('a refused second attempt in the same process does not free the folder for others', async () => {
  const lock = takeOwnerLock(dir);
  expect(refusal()).toMatchObject({ code: 'ALREADY_RUNNING' });
  const script = join(import.meta.dirname, 'lock-owner.ts');
  const other = spawn(process.execPath, [script, dir], { stdio: 'ignore' });
  children.push(other);
  expect(await once(other, 'exit')).toEqual([1, null]);
  lock.release();
});

test('a broken announcement does not hide that the folder is owned', () => {
  const lock = takeOwnerLock(dir);
  writeFileSync(join(dir, 'server.json'), '{"addr');
  expect(refusal()).toEqual({ code: 'ALREADY_RUNNING', facts: { folder: dir } });
  lock.release();
});

test('a folder that is not there is made', () => {
  const lock = takeOwnerLock(join(dir, 'a', 'b'));
  expect(existsSync(join(dir, 'a', 'b', 'owner.lock'))).toBe(true);
  lock.release();
});
