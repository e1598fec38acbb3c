import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pluginSettings } from '../../src/client/plugin-settings.ts';
import { importsOf } from '../architecture/imports.ts';
import { read, root } from '../architecture/tree.ts';
import { at, plainYaml, type Yaml } from '../given/plain-yaml.ts';

// Nothing here starts a container or asks a cluster: what stands in the files has to agree with what they are made of.

const images = ['example', 'postgres'] as const;

const copiedIn = (dockerfile: string): readonly string[] =>
  [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, line]) => line!.split(' ').slice(0, -1));

/** All files of ours that a file imports, itself too. */
function reached(path: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const { target } of importsOf({ path, text: read(path) }))
    if (target !== undefined) reached(target, seen);
  return seen;
}

test.each(images)('the image of plugins/%s holds all that the plugin imports', (name) => {
  const copied = copiedIn(read(`plugins/${name}/Dockerfile`));
  const isIn = (path: string): boolean => copied.some((one) => path === one || path.startsWith(`${one}/`));
  expect([...reached(`plugins/${name}/main.ts`)].filter((path) => !isIn(path))).toEqual([]);
  const kept = read(`plugins/${name}/Dockerfile.dockerignore`)
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  const isInside = (path: string): boolean => copied.some((other) => path.startsWith(`${other}/`));
  expect(kept.sort()).toEqual([...new Set(copied)].filter((path) => !isInside(path)).sort());
});

test.each(images)('what is in the image of plugins/%s can be loaded from there', async (name) => {
  const folder = await mkdtemp(join(tmpdir(), 'annal-image-'));
  try {
    for (const path of copiedIn(read(`plugins/${name}/Dockerfile`)))
      await cp(join(root, path), join(folder, path), { recursive: true });
    const { runSidecar } = (await import(join(folder, 'src/client/sidecar.ts'))) as {
      runSidecar: (plugin: object, process: object) => Promise<number>;
    };
    const stderr: string[] = [];
    const write = (text: string): number => stderr.push(text);
    const told = { env: {}, stdout: { write }, stderr: { write }, signal: AbortSignal.abort() };
    expect(await runSidecar({ name, version: '1', work: async () => {} }, told)).toBe(2);
    expect(stderr.join('')).toContain('ANNAL_URL is missing');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the manifest gives the plugin settings that it knows, and time to drain', () => {
  const manifest = plainYaml(read('deploy/kubernetes/plugin-example.yaml'));
  const pod = at(manifest, 'spec', 'template', 'spec');
  const named = at(pod, 'containers', 0, 'env') as readonly Yaml[];
  const env = Object.fromEntries(named.map((one) => [String(at(one, 'name')), String(at(one, 'value'))]));
  const { graceMs, transport } = pluginSettings(
    { ...env, ANNAL_TOKEN_FILE: join(root, 'LICENSE') },
    'example',
  );
  expect(graceMs).toBeLessThan(Number(at(pod, 'terminationGracePeriodSeconds')) * 1_000);
  expect(transport()).toMatchObject({ where: 'log', address: 'http://annal-api:8080' });
});
