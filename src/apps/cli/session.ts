import type { ExitCode } from './exit-codes.ts';

/** The process as a command sees it: tests give streams of their own. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts at the first Ctrl-C. */
  readonly signal: AbortSignal;
}

export type Output = 'table' | 'json' | 'ndjson';

/** What every command is given: where to write, how, and whom to ask. */
export interface Session {
  readonly io: Io;
  readonly output: Output;
  readonly colour: boolean;
  readonly quiet: boolean;
  readonly data: string | undefined;
  readonly url: string | undefined;
  /** Data, to stdout. Resolves once more is taken. */
  write(text: string): Promise<void>;
  /** A line for people, to stderr; nothing under `--quiet`. */
  note(line: string): void;
}

/** Options as parsed: by their long name in camel case. */
export type Options = Readonly<Record<string, unknown>>;

export type Run = (session: Session, args: readonly string[], options: Options) => Promise<ExitCode>;

export const textOf = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

export const isSet = (options: Options, name: string): boolean => options[name] === true;

export const textsOf = (options: Options, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : [];
};
