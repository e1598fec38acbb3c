import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commands } from '../../src/apps/cli/commands.ts';
import { exitCodes } from '../../src/apps/cli/exit-codes.ts';
import { isRunName } from '../../src/streams/shared-runs.ts';
import { read } from '../architecture/tree.ts';
import { cli } from '../given/cli.ts';
import { at, plainYaml, type Yaml } from '../given/plain-yaml.ts';
import { freePorts } from '../services/native/ports.ts';

// Nothing here asks a cluster: what stands in the files has to agree with what they start.

const job = plainYaml(read('deploy/kubernetes/rebuild-job.yaml'));
const container = at(job, 'spec', 'template', 'spec', 'containers', 0);
const args = at(container, 'args') as readonly string[];

/** Its command line as a pod would get it. */
const lineOf = (index: string): readonly string[] =>
  args.map((word) =>
    word.replace('$(JOB_COMPLETION_INDEX)', index).replace('$(RUN)', '0c2e2a1e-58f6-4b0e-9f0a-0d3b6c2a7f11'),
  );

test('the job is an indexed one, with a share for each of its pods', () => {
  expect(at(job, 'apiVersion')).toBe('batch/v1');
  expect(at(job, 'spec', 'completionMode')).toBe('Indexed');
  const shares = Number(args[args.indexOf('--share') + 1]!.split('/')[1]);
  expect(at(job, 'spec', 'completions')).toBe(shares);
  expect(at(job, 'spec', 'parallelism')).toBe(shares);
  const names = (at(container, 'env') as readonly Yaml[]).map((one) => at(one, 'name'));
  for (const [, name] of args.join(' ').matchAll(/\$\((\w+)\)/g)) expect(names).toContain(name);
  expect(at(container, 'env', 0, 'valueFrom', 'fieldRef', 'fieldPath')).toBe(
    "metadata.annotations['batch.kubernetes.io/job-completion-index']",
  );
});

test('its command is one that the command line knows, and would take part if there were servers', async () => {
  const spec = commands.find(({ name }) => name === args[0])!;
  const known = (spec.options ?? []).map(({ flags }) => flags.split(' ')[0]);
  const global = ['--output'];
  for (const word of args.filter((one) => one.startsWith('--')))
    expect([...known, ...global]).toContain(word);
  expect(isRunName(lineOf('0').at(lineOf('0').indexOf('--run') + 1)!)).toBe(true);
  const { code, stderr } = await cli([...lineOf('2')]);
  expect(code).toBe(exitCodes.usage);
  expect(stderr).toContain('--share is for servers that all shares reach');
  expect((await cli([...lineOf('3')])).stderr).toContain('--share 3/3');
});

test('what would fail again is not tried again, an eviction is no failure', () => {
  const [ignored, failing] = at(job, 'spec', 'podFailurePolicy', 'rules') as readonly [Yaml, Yaml];
  expect(at(ignored, 'onPodConditions', 0, 'type')).toBe('DisruptionTarget');
  expect(at(failing, 'onExitCodes', 'containerName')).toBe(at(container, 'name'));
  expect(at(failing, 'onExitCodes', 'values')).toEqual([
    exitCodes.usage,
    exitCodes.notFound,
    exitCodes.notAllowed,
  ]);
  expect(at(job, 'spec', 'template', 'spec', 'restartPolicy')).toBe('Never');
});

test('a drill runs each night, one at a time, and asks the server what only it may say', async () => {
  const cron = plainYaml(read('deploy/kubernetes/drill-cronjob.yaml'));
  expect(at(cron, 'kind')).toBe('CronJob');
  expect(at(cron, 'spec', 'concurrencyPolicy')).toBe('Forbid');
  expect(at(cron, 'spec', 'schedule')).toMatch(/^\d+ \d+ \* \* \*$/);
  const drilling = at(cron, 'spec', 'jobTemplate', 'spec');
  const pod = at(drilling, 'template', 'spec', 'containers', 0);
  expect(at(pod, 'args')).toEqual(['drill', '--output', 'json']);
  expect(commands.map(({ name }) => name)).toContain('drill');
  const failing = at(drilling, 'podFailurePolicy', 'rules', 1, 'onExitCodes');
  expect(at(failing, 'containerName')).toBe(at(pod, 'name'));
  expect(at(failing, 'values')).toEqual([
    exitCodes.usage,
    exitCodes.notFound,
    exitCodes.notAllowed,
    exitCodes.differs,
  ]);
  const env = Object.fromEntries(
    (at(pod, 'env') as readonly Yaml[]).map((one) => [at(one, 'name') as string, at(one, 'value') as string]),
  );
  expect(env.ANNAL_URL).toMatch(/^http:\/\/[a-z-]+:8080$/);
  const [port] = await freePorts(1);
  using data = mkdtempDisposableSync(join(tmpdir(), 'annal-drill-'));
  const away = { ANNAL_URL: `http://127.0.0.1:${port}`, ANNAL_DATA: data.path };
  const { code, stderr } = await cli(['drill'], { env: away });
  // Nobody compares, and here there is no archive either.
  expect(stderr).toContain('SERVER_UNREACHABLE');
  expect(stderr).toContain('ARCHIVE_EMPTY');
  expect(code).toBe(exitCodes.notFound);
});
