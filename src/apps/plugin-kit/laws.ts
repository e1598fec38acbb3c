import { doubled, notAgain, overtaken } from './judge-sendings.ts';
import { type Bench, type Law, LawBroken, lastWords } from './law.ts';
import type { Running } from './running.ts';
import { askedSeconds, type Sending } from './way-to-annal.ts';

const isTaken = ({ events }: Sending): boolean => events.some(({ appended }) => appended);
const toldIn = (text: string): readonly string[] =>
  [...text.matchAll(/^MCE Published \S+ log:(\S+)$/gm)].map(([, position]) => position!);

async function published(bench: Bench, plugin: Running): Promise<void> {
  await bench.until('nothing came into the log', plugin, () => bench.way.sendings.some(isTaken));
}

/** Whatever else a law looks at: what was told stands in the log, and nothing overtook anything. */
async function always(bench: Bench, plugin: Running): Promise<void> {
  for (const position of toldIn(plugin.stdout()))
    if (!(await bench.isInLog(position))) throw new LawBroken(`it told ${position}, where nothing stands`);
  const late = overtaken(bench.way.sendings);
  if (late !== undefined) throw new LawBroken(late);
}

/** The first request meets `fate`; all its changes have to come again, as they were. */
async function comesAgain(
  bench: Bench,
  fate: 'lost' | 'busy' | 'away' | 'partly',
): Promise<readonly Sending[]> {
  // Away is away for a while.
  bench.begin(...(fate === 'away' ? Array.from({ length: 3 }, () => fate) : [fate]));
  await using plugin = await bench.start();
  await bench.until('nothing was sent', plugin, () => bench.way.sendings.length > 0);
  const first = bench.way.sendings[0]!;
  const rest = (): readonly Sending[] => bench.way.sendings.filter((sending) => sending !== first);
  const missing = (): readonly string[] => {
    const taken = first.events.filter(({ appended }) => appended).map(({ id }) => id);
    const open = { ...first, events: first.events.filter(({ id }) => !taken.includes(id)) };
    return notAgain(open, rest().filter(isTaken));
  };
  await bench
    .until('', plugin, () => rest().some(isTaken) && missing().length === 0)
    .catch((error: unknown) => {
      if (!(error instanceof LawBroken)) throw error;
      const gone = missing()[0];
      throw new LawBroken(
        gone === undefined
          ? `nothing came again${error.message}`
          : `${gone} did not come again under its id${error.message}`,
      );
    });
  if (first.events.some(({ id }) => id === '')) throw new LawBroken('a change came without an id');
  await always(bench, plugin);
  return bench.way.sendings;
}

const pauses: Law = {
  name: 'pauses',
  about: 'asked to wait, it waits, and sends the same again',
  async look(bench) {
    const [first, second] = await comesAgain(bench, 'busy');
    const waitedMs = second!.atMs - first!.atMs;
    if (waitedMs < askedSeconds * 1_000 - 50)
      throw new LawBroken(`it was asked to wait ${askedSeconds} s and came after ${Math.round(waitedMs)} ms`);
    return `came again after ${Math.round(waitedMs)} ms`;
  },
};

/** Every law that needs nothing but the plugin. */
export const laws: readonly Law[] = [
  {
    name: 'publishes',
    about: 'what it sends is taken in',
    async look(bench) {
      bench.begin();
      await using plugin = await bench.start();
      await published(bench, plugin);
      await always(bench, plugin);
      const [code] = bench.way.refusals;
      if (code !== undefined) throw new LawBroken(`something was refused with ${code}`);
      return `${bench.way.sendings.flatMap(({ events }) => events).length} changes`;
    },
  },
  {
    name: 'stops',
    about: 'SIGTERM ends it with exit code 0, and all it told is in the log',
    async look(bench) {
      bench.begin();
      await using plugin = await bench.start();
      await published(bench, plugin);
      plugin.signal('SIGTERM');
      await bench.until('it did not end after SIGTERM', plugin, plugin.hasEnded);
      const { code, signal } = await plugin.ended;
      if (code !== 0)
        throw new LawBroken(`it ended with ${code ?? signal} after SIGTERM${lastWords(plugin)}`);
      await always(bench, plugin);
      return 'exit code 0';
    },
  },
  {
    name: 'duplicate',
    about: 'where an answer is lost it sends the same again, under the same id',
    look: async (bench) => `${(await comesAgain(bench, 'lost')).length} requests`,
  },
  {
    name: 'reorder',
    about: 'of one aspect of one entity, no later change comes before an earlier one that was put off',
    look: async (bench) => `${(await comesAgain(bench, 'partly')).length} requests`,
  },
  pauses,
  {
    name: 'away',
    about: 'where nobody answers it stays, and goes on when somebody does',
    look: async (bench) => `${(await comesAgain(bench, 'away')).length} requests`,
  },
  {
    name: 'restart',
    about: 'killed after sending and started again, it goes on, and sends nothing twice under two ids',
    async look(bench) {
      bench.begin('lost');
      await using first = await bench.start();
      await bench.until('nothing was sent', first, () => bench.way.sendings.length > 0);
      first.signal('SIGKILL');
      await first.ended;
      await using second = await bench.start();
      await bench.until('nothing came after it was started again', second, () =>
        bench.way.sendings.some(isTaken),
      );
      const twice = doubled(bench.way.sendings);
      if (twice !== undefined) throw new LawBroken(twice);
      return `${bench.way.sendings.length} requests`;
    },
  },
];

/** What is gone from the source is deleted, and nothing else. `remove` makes something go. */
export const deletion = (remove: string): Law => ({
  name: 'deletion',
  about: 'what is gone from its source is deleted',
  async look(bench) {
    bench.begin();
    await using plugin = await bench.start();
    await published(bench, plugin);
    await bench.rest(1_000);
    await bench.shell(remove);
    const gone = (): readonly string[] =>
      bench.way.sendings.flatMap(({ events }) =>
        events.flatMap(({ change, urn, aspect, content, appended }) => {
          const isGone =
            (change === 'DELETE' && aspect === null) ||
            (aspect === 'status' && /"removed":true/.test(content));
          return appended && isGone ? [urn] : [];
        }),
      );
    await bench.until('no deletion came', plugin, () => gone().length > 0);
    await always(bench, plugin);
    return gone().join(' ');
  },
});
