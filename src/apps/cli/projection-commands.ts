import type { CommandSpec } from './commands.ts';

export const projectionCommands: readonly CommandSpec[] = [
  {
    name: 'projections',
    about: 'list what readers see, and how far behind the log each is',
    examples: [
      { line: 'annal projections', about: 'with their lag' },
      { line: 'annal projections --output json', about: 'with every lane' },
    ],
    load: () => import('./projections.ts'),
  },
  {
    name: 'projections check',
    args: '<name>',
    about:
      'fold the archive twice, otherwise cut the second time, without clock, chance, network, environment',
    more:
      'Reads the archive and nothing else. Ends with exit code 6 where the folds differ, each document named, or where the ' +
      'fold asked for anything but what it is given.',
    options: [{ flags: '--archive <folder>', about: 'of this folder, not of the configured archive' }],
    examples: [
      { line: 'annal projections check entities --archive samples/archive', about: 'of a copy' },
      {
        line: 'annal projections check history --archive samples/archive --output json',
        about: 'both roots',
      },
    ],
    load: () => import('./projections-check.ts'),
  },
];
