import { alternating, median, medianRatio, milliseconds } from '../measure.ts';
import { root, toItsEnd } from '../processes.ts';
import type { Row } from '../row.ts';

const node = (...args: string[]): Promise<number> => toItsEnd(process.execPath, args, root);

export const help: Row = {
  name: 'help',
  about: 'whole process of `bin/annal.js --help`',
  async run({ quick }) {
    await node('bin/annal.js', '--help'); // Compiled modules are kept from one command to the next.
    const { a, b } = await alternating(
      quick ? 2 : 10,
      () => node('bin/annal.js', '--help'),
      () => node('-e', '0'),
    );
    return [
      {
        what: 'annal --help',
        measured: milliseconds(a),
        beside: `an empty Node: ${milliseconds([median(b)])}`,
        ratio: medianRatio(a, b),
        target: '≤ 200 ms',
      },
    ];
  },
};
