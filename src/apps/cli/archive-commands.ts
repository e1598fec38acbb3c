import type { CommandSpec } from './commands.ts';

export const archiveCommands: readonly CommandSpec[] = [
  {
    name: 'archive complete',
    about: 'give every lane of an archive its tree of tiles and a signed checkpoint, where that is not done',
    more:
      'For archives that were written before there were trees; a running server completes its own. Done again it changes ' +
      'nothing. Neither log nor read model has to be there.',
    options: [{ flags: '--anew', about: 'derive every tile again, and write over what is there' }],
    examples: [
      { line: 'annal archive complete --data ./mine', about: 'the archive of this data folder' },
      { line: 'annal archive complete --data ./mine --anew --output json', about: 'whatever its tiles hold' },
    ],
    load: () => import('./archive-complete.ts'),
  },
  {
    name: 'archive import-capture',
    args: '<from>',
    about: 'begin a log with what Event Hubs Capture wrote: it becomes epoch 1, closed, in an empty archive',
    more:
      'From a folder, or as blob:<container>/<prefix> from the configured storage account. Reads every file first and shows what is there: gaps, events that are there twice, and what a fold makes of them. Sequence ' +
      'numbers become offsets, what no file has becomes a gap on record. Bytes are archived as they are; where no intake of Annal wrote ' +
      'them they are quarantined as foreign, unless --as-events. Stopped at any moment, the same command goes on.',
    options: [
      { flags: '--plan', about: 'show what is there, and import nothing' },
      { flags: '--partitions <count>', about: 'of the hub; default: the greatest id of a file and one' },
      { flags: '--as-events', about: 'take events that no intake wrote as events of this log' },
      {
        flags: '--layout <path>',
        about: 'of the files, as Capture is configured ({Namespace}/{EventHub}/{PartitionId}/{Year}/…)',
      },
      { flags: '--yes', about: 'do it without asking' },
    ],
    examples: [
      {
        line: 'annal archive import-capture samples/capture --plan',
        about: 'what files of two partitions hold',
      },
      {
        line: 'annal archive import-capture samples/capture --as-events --data ./captured --yes',
        about: 'a log that begins with them',
      },
    ],
    load: () => import('./archive-import.ts'),
  },
  {
    name: 'archive key',
    args: '<file>',
    about: 'make a key that signs checkpoints, in a file that only its owner may read',
    more:
      'Prints the public half, by which everybody can check what the key signed. ANNAL_SIGNING_KEY_FILE names the file; a ' +
      'data folder has a key of its own.',
    options: [
      { flags: '--name <name>', about: 'what the key is called: an address, without https:// (annal)' },
    ],
    examples: [
      { line: 'annal archive key ./prod.key --name audit.example/metadata', about: 'for a log on servers' },
      { line: 'annal archive key ./test.key --output json', about: 'called annal' },
    ],
    load: () => import('./archive-key.ts'),
  },
  {
    name: 'archive status',
    about: 'show how far the archive is: log end, tail, last segment, checkpoint, and what it misses',
    more: 'Ends with exit code 6 where a gap is on record, a lane has a fault, or a record has waited for longer than --age-max.',
    options: [{ flags: '--age-max <seconds>', about: 'how long a record may wait for the archive (300)' }],
    examples: [
      { line: 'annal archive status', about: 'one line a partition' },
      { line: 'annal archive status --age-max 60 --output json', about: 'for a monitor' },
    ],
    load: () => import('./archive-status.ts'),
  },
  {
    name: 'archive verify',
    about: 'check an archive by itself: segments, tail, tiles, checkpoints; with --deep every record',
    more:
      'Names segment, offset and leaf of all that is wrong, and then ends with exit code 6. Writes nothing, and may look at ' +
      'the folder of a running Annal. With --repair, what can be derived is made again; what is truth never is.',
    options: [
      {
        flags: '--deep',
        about: 'decode and hash every record, make every leaf again, look for every schema',
      },
      { flags: '--since <moment>', about: 'only what was appended then or later' },
      { flags: '--repair', about: 'make tiles, bundles and files of leaves again where they are wrong' },
      { flags: '--archive <dir>', about: 'of a copy: the folder that holds `archive` and `state`' },
      {
        flags: '--key <key>',
        about: 'a public key that counts, or its file; else those in the archive',
        many: true,
      },
      { flags: '--checkpoint <file>', about: 'a checkpoint that was kept elsewhere', many: true },
    ],
    examples: [
      { line: 'annal archive verify', about: 'names, headers, tree and signatures' },
      { line: 'annal archive verify --deep --since 24h --output json', about: 'each record of a day' },
    ],
    load: () => import('./archive-verify.ts'),
  },
  {
    name: 'restore',
    about: 'publish the history in the archive into a Kafka topic of its own, for readers outside',
    more:
      'The topic is <name>.restored.<k>, k the next free number; no epoch is opened for it, and no part of Annal reads it. Shows ' +
      'its plan first. Key, value, headers, order and, where there are as many, partitions are those of the log; where a record ' +
      'stood and when it was appended stands in headers. Stopped at any moment, the same command goes on. At its end the topic is ' +
      'read back, and the exit code is 6 where it differs.',
    options: [
      { flags: '--plan', about: 'show the plan, and publish nothing' },
      { flags: '--epoch <n>', about: 'the events of this epoch alone' },
      { flags: '--as-of <moment|cut>', about: 'only what was there at a past time or cut' },
      {
        flags: '--partitions <count>',
        about: 'of the topic, 1 to 512; default: as the newest epoch with events',
      },
      { flags: '--new', about: 'begin a new topic, whatever was left' },
      { flags: '--yes', about: 'do it without asking' },
    ],
    examples: [
      { line: 'annal restore --plan', about: 'what it would publish, and into which topic' },
      { line: 'annal restore --epoch 1 --yes', about: 'one epoch, to the brokers of ANNAL_KAFKA_BROKERS' },
    ],
    load: () => import('./restore.ts'),
  },
];
