import { archiveCommands } from './archive-commands.ts';
import { epochCommands } from './epoch-commands.ts';
import { pluginCommands } from './plugin-commands.ts';
import { projectionCommands } from './projection-commands.ts';
import { rebuildCommands } from './rebuild-commands.ts';
import { recoverCommands } from './recover-commands.ts';
import { schemaCommands } from './schema-commands.ts';
import type { Run } from './session.ts';

export interface OptionSpec {
  /** As commander reads it: `--since <moment>`. */
  readonly flags: string;
  readonly about: string;
  /** May be given several times. */
  readonly many?: true;
}

export interface Example {
  /** A line of a shell, in the folder of this project. A test runs it. */
  readonly line: string;
  readonly about: string;
}

/** One command: what `--help` says of it, and where its work is. The work is loaded when it is asked for. */
export interface CommandSpec {
  /** One word, or two for a command within a group. */
  readonly name: string;
  /** As commander reads them: `<urn>`, `[code]`, `<words...>`, `<name> <file>`. */
  readonly args?: string;
  readonly about: string;
  readonly more?: string;
  readonly options?: readonly OptionSpec[];
  readonly examples: readonly [Example, Example];
  readonly load: () => Promise<{ readonly run: Run }>;
}

const orders = "'urn:li:dataset:(urn:li:dataPlatform:file,shop.orders,PROD)'";
const payments = "'urn:li:dataset:(urn:li:dataPlatform:file,billing.payments,PROD)'";
const moments = 'A moment is `2h` ago, `2026-03-01`, `2026-03-01T09:30Z` (UTC) or `@<position>`.';
const port: OptionSpec = { flags: '--port <port>', about: 'port of the page and the API; 0 = any free one' };

const running: readonly CommandSpec[] = [
  {
    name: 'start',
    about: 'start everything in one process: intake, archive, read models, page and API',
    options: [port, { flags: '--no-sample', about: 'do not begin with the sample of a made-up company' }],
    examples: [
      { line: 'annal start', about: 'in ./.annal, on http://127.0.0.1:8080' },
      { line: 'annal start --data ./mine --port 0 --no-sample', about: 'empty, on any free port' },
    ],
    load: () => import('./start.ts'),
  },
  {
    name: 'run',
    args: '<part>',
    about: 'run one part as a process of its own: archiver, projector, api or catalog',
    more: 'Parts share a log, an archive and read models on servers: the data folder is of one process.',
    options: [port],
    examples: [
      { line: 'annal run archiver', about: 'copy the log into the archive' },
      { line: 'annal run api --port 8080', about: 'intake, bridges, page and API' },
    ],
    load: () => import('./run.ts'),
  },
  {
    name: 'init',
    about: 'open the first epoch of a log, with its topic; does nothing to one that is there',
    options: [{ flags: '--partitions <count>', about: 'partitions of its first epoch, 1 to 512' }],
    examples: [
      { line: 'annal init --data ./mine', about: 'with as many partitions as are configured' },
      { line: 'annal init --data ./mine --partitions 4', about: 'with 4' },
    ],
    load: () => import('./init.ts'),
  },
];

const waysIn: readonly CommandSpec[] = [
  {
    name: 'publish',
    args: '<file>',
    about: 'publish events, one JSON object a line; - reads standard input',
    more:
      'An event is at least {"urn": …, "aspect": …, "value": …}. Lines that are refused are named and the rest goes on; ' +
      'then the exit code is 1. The same file again has no second effect while its URNs remember it: 16 changes each.',
    examples: [
      { line: 'annal publish samples/events.ndjson', about: 'a file' },
      {
        line: 'annal publish samples/events.ndjson --output ndjson',
        about: 'one answer a line, as they come',
      },
    ],
    load: () => import('./publish.ts'),
  },
  {
    name: 'scan',
    args: '<place>',
    about: 'publish what the tables in a folder are: Parquet, Delta, Avro, CSV, JSON, NDJSON',
    more:
      'A folder, or azure:<container>/<prefix>. Again: only what changed. What vanished is deleted, unless a file could not be read or more than 40 % of what this ' +
      'source owns would go: then nothing is deleted and the exit code is 1.',
    options: [
      { flags: '--source <name>', about: 'whose files these are; default: the name of the folder' },
      { flags: '--allow-deletions', about: 'delete what vanished, whatever speaks against it' },
      { flags: '--dry-run', about: 'say what would be published, and publish nothing' },
    ],
    examples: [
      { line: 'annal scan samples/datalake', about: 'the sample lake' },
      { line: 'annal scan samples/datalake --dry-run --output json', about: 'the plan alone' },
    ],
    load: () => import('./scan.ts'),
  },
];

const waysOut: readonly CommandSpec[] = [
  {
    name: 'search',
    args: '[words...]',
    about: 'find entities that hold all words, in any aspect; the last word may be a beginning',
    options: [
      { flags: '--type <type>', about: 'of this entity type', many: true },
      { flags: '--namespace <namespace>', about: 'of this namespace', many: true },
      { flags: '--platform <platform>', about: 'on this platform', many: true },
      { flags: '--owner <urn>', about: 'owned by', many: true },
      { flags: '--tag <urn>', about: 'tagged with', many: true },
      { flags: '--limit <count>', about: 'at most so many (20)' },
      { flags: '--cursor <cursor>', about: 'go on where an answer ended' },
    ],
    examples: [
      { line: 'annal search orders', about: 'by name, column, owner, tag' },
      { line: 'annal search cust --type dataset --output json', about: 'as the API answers' },
    ],
    load: () => import('./search.ts'),
  },
  {
    name: 'show',
    args: '<urn>',
    about: 'show an entity: its aspects with their values, now or as they were',
    more: moments,
    options: [{ flags: '--as-of <moment>', about: 'as it was then' }],
    examples: [
      { line: `annal show ${orders}`, about: 'now' },
      { line: `annal show ${orders} --as-of 1s --output json`, about: 'as it was a second ago' },
    ],
    load: () => import('./show.ts'),
  },
  {
    name: 'history',
    args: '<urn>',
    about: 'list every change of an entity: who, when, and what came of it',
    options: [
      { flags: '--aspect <aspect>', about: 'of this aspect', many: true },
      { flags: '--limit <count>', about: 'at most so many, newest first (50)' },
    ],
    examples: [
      { line: `annal history ${orders}`, about: 'of all its aspects' },
      {
        line: `annal history ${orders} --aspect schemaMetadata --output ndjson`,
        about: 'of one, with values',
      },
    ],
    load: () => import('./history.ts'),
  },
  {
    name: 'lineage',
    args: '<urn>',
    about: 'show what an entity or a column is made from and what is made from it, now or as it was',
    more:
      'Of a column, `urn:li:schemaField:(<table>,<path>)`, its columns. What is deleted or was never described is shown as ' +
      `that. ${moments}`,
    options: [
      { flags: '--direction <way>', about: 'up: what it is made from; down: what is made from it; both' },
      { flags: '--depth <steps>', about: 'at most so many steps (3)' },
      { flags: '--as-of <moment>', about: 'as it was then' },
      { flags: '--columns', about: 'tell which columns make which' },
      { flags: '--limit <count>', about: 'at most so many nodes (1000)' },
    ],
    examples: [
      { line: `annal lineage ${payments} --columns`, about: 'both ways, three steps, with columns' },
      {
        line: `annal lineage ${payments} --direction up --depth 5 --as-of 1s -o json`,
        about: 'as it was a second ago',
      },
    ],
    load: () => import('./lineage.ts'),
  },
  {
    name: 'log',
    about: 'read the log: every event with its outcome',
    more: `${moments} Without --since: the newest.`,
    options: [
      { flags: '--urn <urn>', about: 'of this entity', many: true },
      { flags: '--type <type>', about: 'of entities of this type', many: true },
      { flags: '--aspect <aspect>', about: 'of this aspect', many: true },
      { flags: '--actor <urn>', about: 'by', many: true },
      { flags: '--namespace <namespace>', about: 'in this namespace', many: true },
      { flags: '--outcome <outcome>', about: 'applied, duplicate, conflict …', many: true },
      { flags: '--since <moment>', about: 'appended then or later' },
      { flags: '--until <moment>', about: 'appended before' },
      { flags: '--limit <count>', about: 'at most so many (50); with --follow: end after so many' },
      { flags: '--follow', about: 'wait for more, until Ctrl-C' },
    ],
    examples: [
      { line: 'annal log --since 24h --aspect schemaMetadata', about: 'schemas that changed today' },
      {
        line: 'annal log --follow --since 24h --limit 5 --output ndjson',
        about: 'five events, as they come',
      },
    ],
    load: () => import('./log.ts'),
  },
];

const care: readonly CommandSpec[] = [
  ...projectionCommands,
  ...rebuildCommands,
  {
    name: 'verify',
    args: '<name>',
    about: 'compare a read model, document by document, with the fold of the archive',
    more: 'Names what differs, and then ends with exit code 6. All goes on meanwhile.',
    options: [{ flags: '--repair', about: 'write anew what differs, then compare again' }],
    examples: [
      { line: 'annal verify entities', about: 'the one that search uses' },
      { line: 'annal verify history --repair --output json', about: 'with both roots; nothing to repair' },
    ],
    load: () => import('./verify.ts'),
  },
  ...recoverCommands,
  {
    name: 'doctor',
    about: 'check this machine, the data folder and every configured server',
    examples: [
      { line: 'annal doctor', about: 'one line a check, and what to do' },
      { line: 'annal doctor --output json', about: 'for a monitor' },
    ],
    load: () => import('./doctor.ts'),
  },
  {
    name: 'config explain',
    about: 'show every setting, its value and where that comes from; secrets are not shown',
    examples: [
      { line: 'annal config explain', about: 'what this shell would start' },
      { line: 'annal config explain --data ./mine --output json', about: 'with another folder' },
    ],
    load: () => import('./config-explain.ts'),
  },
  {
    name: 'errors',
    args: '[code]',
    about: 'explain an error code, or list them all',
    examples: [
      { line: 'annal errors LOG_FORK', about: 'one' },
      { line: 'annal errors --output json', about: 'all' },
    ],
    load: () => import('./errors.ts'),
  },
];

/** Every command, by the headings under which `annal --help` lists them. */
export const commandGroups: readonly (readonly [string, readonly CommandSpec[]])[] = [
  ['Run', running],
  ['Ways in', [...waysIn, ...pluginCommands]],
  ['Ways out', waysOut],
  ['Care', care],
  ['Archive', archiveCommands],
  ['Epochs', epochCommands],
  ['Schemas', schemaCommands],
];

/** What commands of two words have in common, by their first. */
export const groupsAbout: Readonly<Record<string, string>> = {
  archive: 'the copy that stays, with its trees',
  config: 'settings and where they come from',
  epoch: 'epochs of the log: one topic each, made once',
  plugin: 'programs that look at something and publish it',
  schemas: 'schemas by which producers write',
};

export const commands: readonly CommandSpec[] = commandGroups.flatMap(([, specs]) => specs);
