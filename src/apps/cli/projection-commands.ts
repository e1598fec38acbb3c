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
  {
    name: 'projections preview',
    args: '<file>',
    about:
      "fold the archive by a changed projection beside this program's own, and show which documents would change",
    more:
      'The file is a module (.ts, .mts, .js, .mjs) whose default export is a projection. Reads the archive and writes nothing. Ends ' +
      'with exit code 6 where any document or declared field would change. The changed fold runs without clock, chance, network ' +
      'and environment.',
    options: [
      { flags: '--archive <folder>', about: 'of this folder, not of the configured archive' },
      { flags: '--limit <n>', about: 'name so many documents, with the fields that differ (20)' },
    ],
    examples: [
      {
        line: 'annal projections preview samples/projections/entities.ts --archive samples/archive',
        about: 'a copy that nobody changed yet',
      },
      {
        line: 'annal projections preview samples/projections/entities.ts --archive samples/archive --output json',
        about: 'all counts, for a pipeline',
      },
    ],
    load: () => import('./projections-preview.ts'),
  },
];
