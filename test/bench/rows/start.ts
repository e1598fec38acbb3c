import { join } from 'node:path';
import { mebibytes, milliseconds } from '../measure.ts';
import { annalStart } from '../processes.ts';
import type { Row } from '../row.ts';

interface Start {
  readonly hitMs: number;
  readonly readyMs: number;
  readonly rssMiB: number;
}

async function startOnce(data: string): Promise<Start> {
  await using server = await annalStart(data);
  const hitMs = await server.until('/v1/search?q=orders', ({ total }) => Number(total) > 0);
  const readyMs = await server.ready();
  return { hitMs, readyMs, rssMiB: await server.rssMiB() };
}

export const start: Row = {
  name: 'start',
  about: '`annal start` in an empty folder until a search over HTTP has hits (sample archive), and once more',
  async run({ folder, quick, rounds }) {
    const [first, second]: [Start[], Start[]] = [[], []];
    for (let round = 0; round < (quick ? 1 : rounds); round += 1) {
      const data = join(folder, `start-${round}`);
      first.push(await startOnce(data));
      second.push(await startOnce(data));
    }
    const ms = (starts: readonly Start[], of: 'hitMs' | 'readyMs'): string =>
      milliseconds(starts.map((one) => one[of]));
    return [
      { what: 'first start → first search', measured: ms(first, 'hitMs'), target: '≤ 5000 ms' },
      { what: 'first start → ready', measured: ms(first, 'readyMs'), target: '≤ 5000 ms' },
      { what: 'second start → first search', measured: ms(second, 'hitMs') },
      {
        what: 'RSS after the first start',
        measured: mebibytes(first.map(({ rssMiB }) => rssMiB)),
        target: '≤ 400 MB',
      },
    ];
  },
};
