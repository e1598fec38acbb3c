import type { CommandSpec, OptionSpec } from './commands.ts';

const yes: OptionSpec = { flags: '--yes', about: 'do it without asking' };
const plan: OptionSpec = { flags: '--plan', about: 'show the plan, and change nothing' };
const after: OptionSpec = {
  flags: '--after <epoch>',
  about: 'the epoch that ends; does nothing where that is done',
};

/** An epoch is one topic, made once: growing, recreating and replacing it is going over to the next. */
export const epochCommands: readonly CommandSpec[] = [
  {
    name: 'epoch list',
    about: 'list the epochs of the log: their topics, and where each ended',
    examples: [
      { line: 'annal epoch list', about: 'oldest first' },
      { line: 'annal epoch list --output json', about: 'as the API answers' },
    ],
    load: () => import('./epoch-list.ts'),
  },
  {
    name: 'epoch close',
    about: 'close the open epoch for good: nothing is taken in until the next one is opened',
    more:
      'Shows its plan first. Waits until nothing is under way any more and all of the epoch is in segments. Interrupted or ' +
      'killed, it is safe to run again.',
    options: [after, plan, yes],
    examples: [
      { line: 'annal epoch close --plan', about: 'what it would do' },
      { line: 'annal epoch close --after 1 --yes', about: 'without asking; again it changes nothing' },
    ],
    load: () => import('./epoch-turn.ts').then(({ closeEpoch }) => ({ run: closeEpoch })),
  },
  {
    name: 'epoch open',
    about: 'open the next epoch, with other partitions or a new topic; closes the one before',
    more:
      'Shows its plan first. Processes that run go over by themselves within seconds. With --lost the log of the epoch before ' +
      'is gone: it ends where its archive ends, and what was not archived by then is lost with it. Interrupted or killed, it ' +
      'is safe to run again; --after makes sure that no other epoch is ended than meant.',
    options: [
      { flags: '--partitions <count>', about: 'of the next epoch, 1 to 512; default: as many as before' },
      { flags: '--lost', about: 'the log of the epoch before is lost' },
      after,
      plan,
      yes,
    ],
    examples: [
      { line: 'annal epoch open --partitions 8 --yes', about: 'grow to 8 partitions' },
      { line: 'annal epoch open --plan --output json', about: 'what it would do' },
    ],
    load: () => import('./epoch-turn.ts').then(({ openEpoch }) => ({ run: openEpoch })),
  },
];
