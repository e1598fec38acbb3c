import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptInstallFirst } from '../native/apt.ts';
import { onPath, runToEnd } from '../native/commands.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = fileURLToPath(new URL('../../../.services', import.meta.url));
const requirements = join(here, 'requirements.txt');
const recipes = join(here, 'recipes');
const installWaitMs = 600_000;
const emitWaitMs = 120_000;

/** One proposal as DataHub's SDK was told that it is delivered. `expect`: why it will be refused, or null. */
export interface Emitted {
  readonly urn: string;
  readonly aspect: string;
  readonly value: unknown;
  readonly partition: number;
  readonly offset: number;
  readonly expect: string | null;
}

/**
 * Python with the pinned SDK in an environment of its own, made once and kept in `.services` under a hash of the pins and
 * of Python's version. Fails where there is no Python to make it with.
 */
export async function pythonWithSdk(): Promise<string> {
  const python = onPath('python3');
  if (python === undefined) throw new Error('python3 is needed for the SDK of DataHub');
  const version = await runToEnd(python, ['--version'], { waitMs: 10_000 });
  const pins = await readFile(requirements);
  const hash = createHash('sha256').update(pins).update(version).digest('hex').slice(0, 12);
  const folder = join(cache, `datahub-${hash}`);
  const [program, complete] = [join(folder, 'bin', 'python'), join(folder, 'complete')];
  if (existsSync(complete)) return program;
  await rm(folder, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  await makeEnvironment(python, folder);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  await runToEnd(program, install, { waitMs: installWaitMs });
  await writeFile(complete, '');
  return program;
}

async function makeEnvironment(python: string, folder: string): Promise<void> {
  const make = () => runToEnd(python, ['-m', 'venv', folder], { waitMs: 120_000 });
  try {
    await make();
  } catch (error) {
    // Debian ships Python without what makes environments.
    if (!(await aptInstallFirst(['python3-venv']))) throw error;
    await make();
  }
}

/** Where proposals and snapshots go. */
export interface EmitTo {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly topic: string;
  readonly snapshots: string;
}

/**
 * Emits eight aspects each of so many datasets through Kafka, and some that will be refused; answers all of them in the order
 * of their delivery. Then two snapshots: of a dataset with two aspects, and of a person. `folder` is for what it tells.
 */
export async function emitProposals(
  { brokers, registryUrl, topic, snapshots }: EmitTo,
  datasets: number,
  folder: string,
): Promise<readonly Emitted[]> {
  const python = await pythonWithSdk();
  const told = join(folder, 'emitted.ndjson');
  const args = [
    join(here, 'emit.py'),
    brokers.join(','),
    registryUrl,
    topic,
    snapshots,
    String(datasets),
    told,
  ];
  await runToEnd(python, args, { env: { DATAHUB_TELEMETRY_ENABLED: 'false' }, waitMs: emitWaitMs });
  const lines = (await readFile(told, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Emitted);
}

/** One run of `datahub ingest`: how it ended and all that it wrote. */
export interface Ingested {
  readonly code: number | null;
  readonly output: string;
}

/** Runs `datahub ingest` with a recipe of `recipes/`, whose variables `env` sets. */
export async function ingest(
  recipe: 'file' | 'sqlite' | 'dbt',
  env: Readonly<Record<string, string>>,
): Promise<Ingested> {
  const program = join(dirname(await pythonWithSdk()), 'datahub');
  const child = spawn(program, ['ingest', '-c', join(recipes, `${recipe}.yml`)], {
    env: { ...process.env, DATAHUB_TELEMETRY_ENABLED: 'false', FOLDER: recipes, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: emitWaitMs,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** Sends the events of a run through OpenLineage's Python client, twice: plain, then packed. Fails where the client does. */
export async function emitLineage(address: string, token: string): Promise<void> {
  const args = [join(here, 'emit_lineage.py'), address, token];
  await runToEnd(await pythonWithSdk(), args, { waitMs: emitWaitMs });
}
