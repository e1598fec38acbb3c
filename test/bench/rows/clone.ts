import { join } from 'node:path';
import { seconds } from '../measure.ts';
import { annalStart, root, toItsEnd } from '../processes.ts';
import type { Row } from '../row.ts';

export const clone: Row = {
  name: 'clone',
  about:
    '`git clone`, `npm ci`, `annal start` until a search over HTTP has hits; packages come from wherever npm has them',
  async run({ folder }) {
    const dir = join(folder, 'clone');
    const cloneMs = await toItsEnd('git', ['clone', '--quiet', '--no-hardlinks', root, dir], folder);
    const installMs = await toItsEnd('npm', ['ci'], dir);
    await using server = await annalStart(join(folder, 'clone-data'), [], dir);
    const hitMs = await server.until('/v1/search?q=orders', ({ total }) => Number(total) > 0);
    await server.ready();
    const parts = { 'git clone': cloneMs, 'npm ci': installMs, 'start → first search': hitMs };
    return [
      ...Object.entries(parts).map(([what, ms]) => ({ what, measured: seconds([ms / 1_000]) })),
      {
        what: 'clone → first search',
        measured: seconds([(cloneMs + installMs + hitMs) / 1_000]),
        target: '≤ 90 s',
      },
    ];
  },
};
