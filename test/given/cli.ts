import { PassThrough, Writable } from 'node:stream';
import { runCli } from '../../src/apps/cli/run-cli.ts';
import type { Io } from '../../src/apps/cli/session.ts';

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** A person watches, in a terminal so wide. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
  /** Called with everything on stdout so far. */
  readonly onStdout?: (text: string) => void;
}

export interface CliEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line within this process: its streams, its environment, its end. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliEnd> {
  const { env = {}, stdin = '', columns, signal = new AbortController().signal, onStdout } = options;
  const [out, err] = [collector(onStdout), collector()];
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  const io: Io = {
    stdin: Object.assign(new PassThrough().end(stdin), columns === undefined ? {} : { isTTY: true }),
    stdout: Object.assign(out.stream, terminal),
    stderr: Object.assign(err.stream, terminal),
    env,
    signal,
  };
  const code = await runCli(args, io);
  return { code, stdout: out.text(), stderr: err.text() };
}

function collector(onText?: (text: string) => void): { stream: Writable; text: () => string } {
  const chunks: Buffer[] = [];
  const text = (): string => Buffer.concat(chunks).toString('utf8');
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      onText?.(text());
      done();
    },
  });
  return { stream, text };
}
