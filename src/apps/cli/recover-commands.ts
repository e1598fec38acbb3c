import type { CommandSpec } from './commands.ts';

/** Bringing everything back, and trying it out. */
export const recoverCommands: readonly CommandSpec[] = [
  {
    name: 'recover',
    args: '[archive]',
    about: 'bring everything back from the archive alone, into an empty data folder or in place',
    more:
      'Shows its plan first. What was appended after the archive was copied is not in it. With --in-place nothing is copied: ' +
      'the configured archive is there and its log is lost, so the next epoch begins where the archive ends. A signed report ' +
      'says what was brought back, how long it took, and what no archive holds: `annal drill report`.',
    options: [
      { flags: '--in-place', about: 'over the configured archive, whose log is lost' },
      { flags: '--yes', about: 'do it without asking' },
    ],
    examples: [
      { line: 'annal recover samples/archive --data ./restored', about: 'the plan; a terminal asks' },
      { line: 'annal recover samples/archive --data ./restored --yes', about: 'without asking' },
    ],
    load: () => import('./recover.ts'),
  },
  {
    name: 'drill',
    about: 'try a recovery out beside what runs, prove it, and keep a signed report',
    more:
      'Brings every read model back from the archive alone, under names of its own, compares it with what serves at the same ' +
      'cut, and clears it away. What serves is not touched. Ends with exit code 0 where it is proven, 6 where what serves ' +
      'differs, 1 where it failed.',
    options: [{ flags: '--every <time>', about: 'again and again, such as 24h, until it is stopped' }],
    examples: [
      { line: 'annal drill', about: 'how long a recovery would take, and that it would be whole' },
      { line: 'annal drill --output json', about: 'for a monitor' },
    ],
    load: () => import('./drill.ts'),
  },
  {
    name: 'drill list',
    about: 'list recoveries and drills, newest first',
    examples: [
      { line: 'annal drill list', about: 'with result, age and time taken' },
      { line: 'annal drill list --output json', about: 'whole reports' },
    ],
    load: () => import('./drill-list.ts'),
  },
  {
    name: 'drill report',
    args: '[id]',
    about: 'show the signed report of a recovery or drill; without an id the last one',
    examples: [
      { line: 'annal drill report', about: 'as Markdown, with its note' },
      { line: 'annal drill report --output json', about: 'the same as JSON' },
    ],
    load: () => import('./drill-report.ts'),
  },
];
