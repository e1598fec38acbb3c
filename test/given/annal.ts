import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AnnalConfig, readConfig } from '../../src/apps/config.ts';
import { allRoles, type OpenAnnal, type OpenOptions, openAnnal } from '../../src/apps/open-annal.ts';
import { localOwner } from '../../src/domain/policy.ts';
import type { SubmitResult } from '../../src/intake/submit.ts';

export interface Embedded extends AsyncDisposable {
  readonly config: AnnalConfig;
  /** Opens the folder; closing what was opened before is the test's. */
  open(options?: Partial<OpenOptions>): Promise<OpenAnnal>;
}

/** A data folder of its own, gone at the end. */
export async function embedded(env: Record<string, string> = {}): Promise<Embedded> {
  const dir = await mkdtemp(join(tmpdir(), 'annal-'));
  const config = readConfig({ ANNAL_DATA: dir, ANNAL_PORT: '0', ...env });
  return {
    config,
    open: (options = {}) => openAnnal({ config, roles: allRoles, say: () => undefined, ...options }),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

/** Submits events as the local owner. */
export async function submit(
  { runtime }: OpenAnnal,
  events: readonly unknown[],
): Promise<readonly SubmitResult[]> {
  const submitted = await runtime.intake!.submit({
    body: Buffer.from(JSON.stringify(events)),
    principal: localOwner,
  });
  if (submitted.kind === 'invalid') throw new Error(`${submitted.fault.code}: ${submitted.fault.detail}`);
  return submitted.results;
}

/** Waits until everything that is in the log shows in every projection. */
export async function caughtUp({ runtime, ports }: OpenAnnal): Promise<void> {
  const [epoch] = runtime.epochs.slice(-1);
  const log = await ports.logHost.open(epoch!);
  const ends = (await log.bounds()).map(({ end }) => end);
  await log[Symbol.asyncDispose]();
  await Promise.all(
    runtime.projectors.map((projector) => projector.reach(ends, AbortSignal.timeout(30_000))),
  );
}
