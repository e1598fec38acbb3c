import { type CliEnd, cli } from './cli.ts';

export interface StartedCli extends AsyncDisposable {
  /** Of the API. */
  readonly address: string;
  /** What the command ended with; stops it first. */
  stop(): Promise<CliEnd>;
}

/** `annal start` with these words, in this process, once it serves. */
export async function startCli(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StartedCli> {
  const stopping = new AbortController();
  const serving = Promise.withResolvers<string>();
  const ended = cli([...words, '--output', 'json'], {
    env,
    signal: stopping.signal,
    onStdout: (text) => {
      const { address } = JSON.parse(text) as { address?: string };
      if (address !== undefined) serving.resolve(address);
    },
  });
  const address = await Promise.race([
    serving.promise,
    ended.then(({ stderr }) => Promise.reject(new Error(`it did not start: ${stderr}`))),
  ]);
  const stop = (): Promise<CliEnd> => {
    stopping.abort();
    return ended;
  };
  return {
    address,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
