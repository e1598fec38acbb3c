import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LawVerdict } from '../../../src/apps/plugin-kit/law.ts';
import { deletion, laws } from '../../../src/apps/plugin-kit/laws.ts';
import { testPlugin } from '../../../src/apps/plugin-kit/test-plugin.ts';
import { cli } from '../../given/cli.ts';
import { type ServedFolder, servedFolder } from '../../given/served-folder.ts';
import { forgetSubject } from '../heard.ts';
import { asAdmin, newName, scenarioServers } from './own-profile.ts';

let served: ServedFolder;
beforeAll(async () => {
  served = await servedFolder();
});
afterAll(() => served[Symbol.asyncDispose]());

async function verdictOf(law: string, command: readonly string[], waitMs = 2_500): Promise<LawVerdict> {
  const asked = [...laws, deletion('true')].filter(({ name }) => name === law);
  const env = { PATH: process.env.PATH };
  const signal = new AbortController().signal;
  const verdicts: LawVerdict[] = [];
  const { address } = served;
  for await (const verdict of testPlugin({ command, laws: asked, waitMs, env, address, signal }))
    verdicts.push(verdict);
  return verdicts[0]!;
}

describe('a plugin that does something wrong', () => {
  const cases: readonly (readonly [wrong: string, law: string, told: RegExp])[] = [
    ['dies', 'away', /ended by itself/],
    ['gives-up', 'duplicate', /did not come again under its id/],
    ['new-ids', 'duplicate', /did not come again under its id/],
    ['overtakes', 'reorder', /later change came before/],
    ['impatient', 'pauses', /asked to wait 1 s and came after/],
    ['forgetful', 'restart', /the same content came under another id/],
    ['deaf', 'stops', /did not end after SIGTERM/],
    ['fails-to-stop', 'stops', /ended with 3/],
    ['liar', 'publishes', /told 1-0-999999, where nothing stands/],
    ['nothing', 'deletion', /no deletion came/],
  ];
  test.each(cases)('%s breaks the law %s', async (wrong, law, told) => {
    const verdict = await verdictOf(law, ['node', 'test/given/bad-plugin.js', wrong]);
    expect(verdict).toMatchObject({ verdict: 'broken', detail: expect.stringMatching(told) });
  });
});

test('a plugin that was made a moment ago keeps every law, and its registry may be away', async () => {
  const { kafkaBrokers, schemaRegistryUrl } = scenarioServers();
  const topic = `${newName()}.inbox`;
  const folder = await mkdtemp(join(tmpdir(), 'annal-kit-'));
  const created = await asAdmin({ kafkaBrokers }, (admin) =>
    admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }),
  );
  expect(created).toBe(true);
  try {
    for (let n = 0; n < 5; n += 1) await writeFile(join(folder, `f${n}`), 'x');
    const made = await cli(['plugin', 'new', 'fresh', '--dir', join(folder, 'plugins')]);
    expect(made.code, made.stderr).toBe(0);
    const env = { PATH: process.env.PATH!, FOLDER: folder, EVERY_SECONDS: '1' };
    const inbox = [
      '--inbox',
      kafkaBrokers.join(','),
      '--inbox-topic',
      topic,
      '--registry',
      schemaRegistryUrl,
    ];
    const remove = ['--remove', `rm ${join(folder, 'f3')}`];
    const main = join(folder, 'plugins', 'fresh', 'main.ts');
    const words = ['plugin', 'test', ...inbox, ...remove, '--output', 'json', '--', 'node', main];
    const { code, stdout, stderr } = await cli(words, { env });
    const { items } = JSON.parse(stdout) as { items: LawVerdict[] };
    expect(items.filter(({ verdict }) => verdict !== 'kept')).toEqual([]);
    expect(items.map(({ law }) => law)).toEqual([
      ...['publishes', 'stops', 'duplicate', 'reorder', 'pauses', 'away', 'restart', 'deletion', 'registry'],
    ]);
    expect(code, stderr).toBe(0);
  } finally {
    await asAdmin({ kafkaBrokers }, (admin) => admin.deleteTopics({ topics: [topic] }));
    await forgetSubject(schemaRegistryUrl, `${topic}-value`);
    await rm(folder, { recursive: true, force: true });
  }
});

test('a law that is broken ends the command with its code', async () => {
  const words = ['plugin', 'test', '--only', 'stops', '--wait', '3', '--'];
  const bad = ['node', 'test/given/bad-plugin.js', 'fails-to-stop'];
  const { code, stdout, stderr } = await cli([...words, ...bad], { env: { PATH: process.env.PATH! } });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^broken +stops/);
  expect(stderr).toContain('PLUGIN_LAW_BROKEN');
});
