import type { CommandSpec, OptionSpec } from './commands.ts';

const yes: OptionSpec = { flags: '--yes', about: 'do it without asking' };

/** Building read models again, and the way back. */
export const rebuildCommands: readonly CommandSpec[] = [
  {
    name: 'rebuild',
    args: '[name]',
    about: 'build a read model again from the archive alone, prove it equal, then swap it in',
    more:
      'Shows its plan first. Readers keep the old one until the new one is proven; then it is kept: `annal rollback` goes back. ' +
      'Stopped at any moment, the same command goes on where it was. With --as-of the index is left beside what serves. ' +
      'With --share several processes, on several machines, fold it unit by unit, and all end with its report.',
    options: [
      { flags: '--all', about: 'every projection, one after the other' },
      { flags: '--plan', about: 'show the plan, and change nothing' },
      { flags: '--as-of <moment|cut>', about: 'at a past time or cut, beside the one that serves' },
      { flags: '--cancel', about: 'end the one that runs or was left, and clear it away' },
      { flags: '--report [id]', about: 'show the signed report of a rebuild; without an id the last one' },
      {
        flags: '--accept-unindexable <n>',
        about: 'swap even if the engine cannot search so many documents (0)',
      },
      { flags: '--workers <n>', about: 'threads that fold and store, a partition each (1)' },
      { flags: '--share <k/n>', about: 'this process is number k, from 0, of n that do it together' },
      { flags: '--run <name>', about: 'with --share: one word for all n, another one for each rebuild' },
      yes,
    ],
    examples: [
      { line: 'annal rebuild entities --plan', about: 'what it would read and replace' },
      { line: 'annal rebuild --all --yes', about: 'all, without asking' },
    ],
    load: () => import('./rebuild.ts'),
  },
  {
    name: 'rollback',
    args: '<name>',
    about: 'let the read model serve again that served before the last rebuild',
    more: 'It followed the log meanwhile, by the fold that made it, also of another version. What it replaces is kept: the same again goes back to it.',
    examples: [
      { line: 'annal rollback entities', about: 'within a second' },
      { line: 'annal rollback entities --output json', about: 'with the cut at which it stands' },
    ],
    load: () => import('./rollback.ts'),
  },
  {
    name: 'retire',
    args: '<name> [index]',
    about: 'drop the read model that is kept beside the one that serves',
    more: 'Without an index: the one that served before. Those of --as-of are named, as `annal projections` shows them.',
    examples: [
      { line: 'annal retire entities', about: 'there is no way back then' },
      { line: 'annal retire history --output json', about: 'the name of what is gone' },
    ],
    load: () => import('./retire.ts'),
  },
];
