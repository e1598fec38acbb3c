import type { CommandSpec } from './commands.ts';

const order = 'samples/schemas/shop.orders-1.avsc';
const changed = 'samples/schemas/shop.orders-2.avsc';

/** The schemas by which producers write records: one name, versions of it. */
export const schemaCommands: readonly CommandSpec[] = [
  {
    name: 'schemas push',
    args: '<name> <file>',
    about:
      'register an Avro schema, if readers with it can read every version so far; - reads standard input',
    more:
      'The name is that of the topic and -value, as serialisers look for it. What is there already is no second version. ' +
      'A schema that breaks readers is refused, its fields are named, and the exit code is 1.',
    examples: [
      { line: `annal schemas push shop.orders-value ${order}`, about: 'its first version' },
      { line: `annal schemas push shop.orders-value ${changed} --output json`, about: 'the next' },
    ],
    load: () => import('./schemas-push.ts').then(({ push }) => ({ run: push })),
  },
  {
    name: 'schemas check',
    args: '<name> <file>',
    about: 'tell whether readers with a schema can read every version so far; registers nothing',
    more: 'Names each field that differs, and then ends with exit code 6. A name without versions takes any schema.',
    examples: [
      { line: `annal schemas check shop.orders-value ${changed}`, about: 'before it is pushed' },
      { line: `annal schemas check shop.orders-value ${order} --output json`, about: 'for a pipeline' },
    ],
    load: () => import('./schemas-push.ts').then(({ check }) => ({ run: check })),
  },
  {
    name: 'schemas list',
    about: 'list the schemas that you may see, with their versions',
    options: [
      { flags: '--limit <count>', about: 'at most so many (100)' },
      { flags: '--after <name>', about: 'go on behind this name' },
    ],
    examples: [
      { line: 'annal schemas list', about: 'by name' },
      { line: 'annal schemas list --limit 10 --output ndjson', about: 'one JSON object a line' },
    ],
    load: () => import('./schemas-list.ts'),
  },
  {
    name: 'schemas get',
    args: '[name] [version]',
    about: 'show a schema, the newest version or another: its text alone, as it was registered',
    options: [{ flags: '--id <id>', about: 'the one that records name so: a number, or a GUID of Azure' }],
    examples: [
      { line: 'annal schemas get shop.orders-value', about: 'the newest version' },
      { line: 'annal schemas get shop.orders-value 1 --output json', about: 'the first one, with its id' },
    ],
    load: () => import('./schemas-get.ts'),
  },
  {
    name: 'schemas deprecate',
    args: '<name> [version]',
    about: 'say that a schema should not be used any more, and why; it stays readable',
    more: 'Without a version: all of them, also those to come.',
    options: [
      { flags: '--reason <text>', about: 'for who comes upon it' },
      { flags: '--undo', about: 'take that back' },
    ],
    examples: [
      {
        line: "annal schemas deprecate shop.orders-value 1 --reason 'lacks the channel'",
        about: 'one version',
      },
      { line: 'annal schemas deprecate shop.orders-value 1 --undo', about: 'not any more' },
    ],
    load: () => import('./schemas-deprecate.ts'),
  },
];
