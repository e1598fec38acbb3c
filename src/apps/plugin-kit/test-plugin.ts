import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, type Law, LawBroken, type LawVerdict, lastWords } from './law.ts';
import { type Running, running } from './running.ts';
import { wayToAnnal } from './way-to-annal.ts';

export interface PluginTest {
  /** A program and its words. */
  readonly command: readonly string[];
  readonly laws: readonly Law[];
  readonly waitMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of an empty Annal. */
  readonly address: string;
  readonly signal: AbortSignal;
}

const lookMs = 20;

/** Looks at one law after the other, and yields what was seen. Rejects with the signal's reason, or where the command is none. */
export async function* testPlugin(plugin: PluginTest): AsyncGenerator<LawVerdict> {
  const { command, waitMs, env, address, signal } = plugin;
  const folder = await mkdtemp(join(tmpdir(), 'annal-plugin-test-'));
  let begun = 0;
  try {
    await using way = await wayToAnnal(address);
    const bench: Bench = {
      ...{ way, waitMs },
      begin(...fates) {
        begun += 1;
        way.forget();
        way.plan(...fates);
      },
      start: (more = {}) =>
        running(command, {
          ...{
            ...env,
            ANNAL_URL: way.url,
            HEALTH_PORT: '0',
            CONNECTION_STRING: undefined,
            EVENTHUB: undefined,
          },
          ...{ STATE_FILE: join(folder, `${begun}.json`), ...more },
        }),
      async until(what, of, done) {
        for (const endMs = performance.now() + waitMs; !done(); await wait(lookMs, undefined, { signal })) {
          if (of.hasEnded() && !done()) throw new LawBroken(`${what}: it ended by itself${lastWords(of)}`);
          if (performance.now() > endMs) throw new LawBroken(`${what} within ${waitMs} ms${lastWords(of)}`);
        }
      },
      rest: (ms) => wait(ms, undefined, { signal }),
      async isInLog(position) {
        const query = `wait=${Math.min(30, Math.ceil(waitMs / 1_000))}s`;
        return (await fetch(`${address}/v1/events/${position}?${query}`)).ok;
      },
      shell: (text) => shell(text, env),
    };
    for (const law of plugin.laws) yield await look(law, bench);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function look(law: Law, bench: Bench): Promise<LawVerdict> {
  try {
    return { law: law.name, verdict: 'kept', detail: await law.look(bench) };
  } catch (error) {
    if (!(error instanceof LawBroken)) throw error;
    return { law: law.name, verdict: 'broken', detail: error.message };
  }
}

async function shell(text: string, env: PluginTest['env']): Promise<void> {
  const child = spawn(text, { shell: true, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new LawBroken(`${JSON.stringify(text)} ended with ${code}`);
}

/** An empty Annal of its own for a test, in a process and a folder that are gone afterwards. */
export async function ownAnnal(
  program: string,
  path: string | undefined,
): Promise<AsyncDisposable & { readonly address: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'annal-plugin-log-'));
  const words = ['start', '--no-sample', '--port', '0', '--data', folder, '--output', 'json'];
  const annal: Running = await running([process.execPath, program, ...words], { PATH: path });
  const dispose = async (): Promise<void> => {
    await annal[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  while (!annal.stdout().includes('\n') && !annal.hasEnded()) await wait(lookMs);
  const { address } = JSON.parse(annal.stdout().split('\n')[0] || '{}') as { address?: string };
  if (address !== undefined) return { address, [Symbol.asyncDispose]: dispose };
  await dispose();
  throw new Error(`no Annal could be started for the test${lastWords(annal)}`);
}
