import { Fault, type FaultCode, faults } from '../domain/fault.ts';
import type { ETag, StateStore } from '../ports/archive.ts';
import { runName } from './archive-names.ts';

/** Several processes that were started for one rebuild, and the rebuild that they came to make. */
export interface SharedRun {
  readonly id: string;
  readonly etag: ETag;
}

const runPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether a text may name a run. */
export const isRunName = (text: string): boolean => runPattern.test(text);

/** Which rebuild a run is about; undefined until one of its processes began it. */
export async function readRun(
  state: StateStore,
  projection: string,
  run: string,
): Promise<SharedRun | undefined> {
  const found = await state.read(runName(projection, run));
  if (found === undefined) return undefined;
  const { v, id } = parsed(found.bytes, runName(projection, run));
  if (v !== 1 || typeof id !== 'string') throw corrupt(runName(projection, run));
  return { id, etag: found.etag };
}

/**
 * Says that a run is about this rebuild; false where another process of it said so first. How the rebuild failed in the hands of
 * an earlier run is forgotten: it is gone on with.
 */
export async function beginRun(
  state: StateStore,
  projection: string,
  { run, known, id }: { readonly run: string; readonly known: SharedRun | undefined; readonly id: string },
): Promise<boolean> {
  if (known?.id === id) return true;
  const bytes = Buffer.from(`${JSON.stringify({ v: 1, id })}\n`);
  await state.remove(failureName(projection, id));
  return (await state.write(runName(projection, run), bytes, known?.etag ?? null)) !== 'changed';
}

const failureName = (projection: string, id: string): string => runName(projection, `${id}.failed`);

/** Says for good how a shared rebuild failed, so that each process that took part ends with it. */
export async function noteFailure(
  state: StateStore,
  projection: string,
  id: string,
  { code, facts }: Fault,
): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify({ v: 1, code, facts })}\n`);
  await state.replace(failureName(projection, id), bytes);
}

/** How a shared rebuild failed, if it did. */
export async function failureOf(
  state: StateStore,
  projection: string,
  id: string,
): Promise<Fault | undefined> {
  const name = failureName(projection, id);
  const found = await state.read(name);
  if (found === undefined) return undefined;
  const { v, code, facts } = parsed(found.bytes, name);
  if (v !== 1 || typeof code !== 'string' || !isCode(code)) throw corrupt(name);
  return new Fault(code, facts as Fault['facts']);
}

const isCode = (code: string): code is FaultCode => Object.hasOwn(faults, code);

const corrupt = (blob: string, cause?: unknown): Fault =>
  new Fault('ARCHIVE_CORRUPT', { blob, reason: 'no record of a run' }, cause);

function parsed(bytes: Buffer, blob: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(bytes.toString('utf8')) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw corrupt(blob, error);
  }
}
