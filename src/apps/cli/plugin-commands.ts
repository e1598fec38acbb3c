import type { CommandSpec } from './commands.ts';

/** Plugins: programs that look at something and publish it. */
export const pluginCommands: readonly CommandSpec[] = [
  {
    name: 'plugin new',
    args: '<name>',
    about: 'make a plugin that runs at once, to be changed into yours',
    more: 'In the folder plugins if there is one, else here. Writes main.ts, a README and, within this project, a Dockerfile.',
    options: [{ flags: '--dir <folder>', about: 'make it in this folder instead' }],
    examples: [
      { line: 'annal plugin new sheets', about: './plugins/sheets or ./sheets' },
      { line: 'annal plugin new warehouse --dir ./somewhere', about: './somewhere/warehouse' },
    ],
    load: () => import('./plugin-new.ts'),
  },
  {
    name: 'plugin test',
    args: '[command...]',
    about: 'run a plugin against an Annal of its own, and see whether it does what every plugin has to',
    more:
      'The command stands behind --. It gets ANNAL_URL, STATE_FILE and HEALTH_PORT, and is started, killed, kept waiting, and ' +
      'given no answer. Laws that were not looked at are told as such. Ends with 1 where one is broken.',
    options: [
      { flags: '--list', about: 'list the laws, and run nothing' },
      { flags: '--only <law>', about: 'this law alone; may be given several times', many: true },
      { flags: '--wait <seconds>', about: 'how long to wait for the plugin to do something; 20' },
      {
        flags: '--remove <command>',
        about: 'makes something go from the source of the plugin, for the law of deletion',
      },
      {
        flags: '--inbox <connection>',
        about: 'host:port or connection string of a broker, for the law of the registry',
      },
      { flags: '--inbox-topic <topic>', about: 'an inbox topic on it' },
      { flags: '--registry <url>', about: 'a schema registry' },
    ],
    examples: [
      { line: 'annal plugin test --list', about: 'what is looked at' },
      {
        line: 'annal plugin test --only publishes -- node sheets/main.ts',
        about: 'one law; `node` is the pinned one',
      },
    ],
    load: () => import('./plugin-test.ts'),
  },
];
