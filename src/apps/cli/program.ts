import { type Command, CommanderError, createCommand, Option } from 'commander';
import { version } from '../version.ts';
import { type CommandSpec, commandGroups, type Example, groupsAbout } from './commands.ts';
import { type ExitCode, exitCodes, exitCodesAbout } from './exit-codes.ts';
import { usage } from './failure.ts';
import { writeOut } from './print.ts';
import type { Io, Options, Output, Session } from './session.ts';

const examplesText = (examples: readonly Example[]): string =>
  ['', 'Examples:', ...examples.flatMap(({ line, about }) => [`  $ ${line}`, `      ${about}`]), ''].join(
    '\n',
  );

const exitCodesText = (): string =>
  [
    '',
    'Exit codes:',
    ...exitCodesAbout.map(([code, about]) => `  ${String(code).padEnd(4)} ${about}`),
    '',
  ].join('\n');

const firstSteps: readonly Example[] = [
  { line: 'annal start', about: 'the page, the API and a sample, on http://127.0.0.1:8080' },
  { line: 'annal search orders', about: 'ask the one that runs, or the data folder itself' },
];

/**
 * The command line of `commandGroups`. Global options stand anywhere. `done` gets the exit code of the command that ran;
 * misspelt words throw a CommanderError that suggests the right one.
 */
export function program(io: Io, done: (code: ExitCode) => void): Command {
  const root = createCommand('annal')
    .description('Annal: an event log for metadata, archived for ever, replayable, proven.')
    .version(version(), '-V, --version', 'print the version')
    .addOption(
      new Option('-o, --output <form>', 'form of what is written to stdout')
        .choices(['table', 'json', 'ndjson'])
        .default('table'),
    )
    .option('--data <dir>', 'data folder (ANNAL_DATA, ./.annal)')
    .option('--url <url>', 'ask the server at this address (ANNAL_URL); its token is in ANNAL_TOKEN')
    .option('--quiet', 'nothing on stderr but failures')
    .option('--no-color', 'no colours; as NO_COLOR')
    .helpCommand('help [command]', 'explain a command')
    .helpOption('-h, --help', 'explain')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Failures are told by whoever called, in one form for all.
      outputError: () => undefined,
    })
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', () => `${examplesText(firstSteps)}${exitCodesText()}`);
  for (const [heading, specs] of commandGroups) for (const spec of specs) add(root, heading, spec, io, done);
  return root;
}

function add(
  root: Command,
  heading: string,
  spec: CommandSpec,
  io: Io,
  done: (code: ExitCode) => void,
): void {
  const [first, second] = spec.name.split(' ');
  const parent = second === undefined ? root : groupOf(root, first!, heading);
  const command = parent
    .command(second ?? first!)
    .helpGroup(`${heading}:`)
    .summary(spec.about)
    .description(spec.more === undefined ? spec.about : `${spec.about}\n\n${spec.more}`)
    .addHelpText('after', () => examplesText(spec.examples));
  if (spec.args !== undefined) command.arguments(spec.args);
  for (const { flags, about, many } of spec.options ?? []) {
    const option = new Option(flags, about);
    if (many === true)
      option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
    command.addOption(option);
  }
  command.action(async () => {
    const options: Options = command.optsWithGlobals();
    const { run } = await spec.load();
    done(await run(sessionOf(io, options), command.args, options));
  });
}

function groupOf(root: Command, name: string, heading: string): Command {
  return (
    root.commands.find((command) => command.name() === name) ??
    root
      .command(name)
      .helpGroup(`${heading}:`)
      .description(groupsAbout[name] ?? '')
  );
}

function sessionOf(io: Io, options: Options): Session {
  const { env, stdout, stderr } = io;
  const plain = (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb' || options.color === false;
  const quiet = options.quiet === true;
  const given = (value: unknown, variable: string | undefined): string | undefined =>
    typeof value === 'string' ? value : variable === '' ? undefined : variable;
  return {
    io,
    output: options.output as Output,
    colour: stdout.isTTY === true && !plain,
    quiet,
    data: given(options.data, undefined),
    url: given(options.url, env.ANNAL_URL),
    write: (text) => writeOut(io, text),
    note: (line) => {
      if (!quiet) stderr.write(`${line}\n`);
    },
  };
}

/** What commander has to say about wrong words, in our form: its own sentence, its suggestion as the next step. */
export function usageFailure(error: CommanderError): ReturnType<typeof usage> {
  const [, detail, meant] =
    /^(?:error: )?([\s\S]*?)(?:\n\((Did you mean [\s\S]*)\))?\s*$/.exec(error.message) ?? [];
  return usage(detail ?? error.message, meant);
}

/** The exit code where commander has already said what there is to say: help that was asked for, or was needed. */
export function endedWithHelp(error: unknown): ExitCode | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  if (error.exitCode === 0) return exitCodes.ok;
  return error.code === 'commander.help' ? exitCodes.usage : undefined;
}
