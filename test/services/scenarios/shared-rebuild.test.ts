import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eventSchemaSha256 } from '../../../src/formats/event.ts';
import type { RebuildReport } from '../../../src/streams/rebuild-report.ts';
import type { UnitClaim } from '../../../src/streams/unit-claims.ts';
import { plainFold } from '../../given/plain-reducer.ts';
import { plainRoot } from '../../given/plain-root.ts';
import { annal, type Spawned, spawned, startAnnal } from './annal-process.ts';
import { readBlobs } from './blobs.ts';
import { type OwnProfile, ownProfile } from './own-profile.ts';
import { readIndex, readTopic } from './plain-readers.ts';
import { archived } from './progress.ts';
import { traffic } from './traffic.ts';

const partitions = 16;
const events = 8_000;
const lookMs = 10;

const words = (nth: number): readonly string[] => [
  ...['rebuild', 'entities', '--share', `${nth}/3`, '--run', 'the-run', '--yes', '--output', 'json'],
];

const share = ({ env }: OwnProfile, nth: number): Spawned => spawned('src/apps/cli/main.ts', words(nth), env);

async function claimsOf({ servers, name }: OwnProfile, pid: number): Promise<readonly UnitClaim[]> {
  const reading = readBlobs(servers.blobConnectionString, `${name}-state`, 'rebuilds/');
  // A blob that goes, or becomes longer, while it is read by its former length: the next look tells.
  const blobs = await reading.catch(() => new Map<string, Buffer>());
  return [...blobs]
    .filter(([blob]) => blob.includes('/claims/'))
    .map(([, bytes]) => JSON.parse(bytes.toString('utf8')) as UnitClaim)
    .filter(({ by }) => by.endsWith(`:${pid}`));
}

/**
 * Kills a process at a moment at which it holds a unit that it has not done, and has done so many others: it stands still while
 * that is looked at. Gives the unit.
 */
async function killHolding(
  profile: OwnProfile,
  { child, ended, stderr }: Spawned,
  done: number,
): Promise<string> {
  const pid = child.pid!;
  const held = async (): Promise<string | undefined> => {
    const claims = await claimsOf(profile, pid);
    const finished = claims.filter((claim) => claim.done !== null).length;
    return finished >= done ? claims.find((claim) => claim.done === null)?.unit : undefined;
  };
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it ended before it could be killed:\n${stderr()}`);
    if ((await held()) !== undefined) {
      child.kill('SIGSTOP');
      const unit = await held();
      if (unit !== undefined) {
        child.kill('SIGKILL');
        expect(await ended).toMatchObject({ signal: 'SIGKILL' });
        return unit;
      }
      child.kill('SIGCONT');
    }
    await pause(lookMs);
  }
}

async function publish(profile: OwnProfile): Promise<void> {
  const { env } = profile;
  expect(await annal(['init', '--partitions', String(partitions)], env)).toMatchObject({ code: 0 });
  await using archiver = await startAnnal(['run', 'archiver'], env);
  await using api = await startAnnal(['run', 'api'], env);
  const source = traffic(11, 2_000);
  for (let sent = 0; sent < events; sent += 500) {
    const batch = Array.from({ length: 500 }, () => source.next([]));
    expect((await api.call('POST', '/v1/events', batch)).body).toMatchObject({ refused: 0, unknown: 0 });
  }
  await archived(api);
  await api.stop();
  await archiver.stop();
}

test('three processes rebuild together, two of them are killed: every unit once, the same root, and who did what', {
  timeout: 240_000,
}, async () => {
  await using profile = await ownProfile();
  const { servers, name } = profile;
  await publish(profile);

  // The first one leads, and is killed with its first units; the second one after it has done some.
  const first = share(profile, 0);
  const left = [await killHolding(profile, first, 0)];
  const [second, third] = [share(profile, 1), share(profile, 2)];
  left.push(await killHolding(profile, second, 1));
  const { code, stdout, stderr } = await third.ended;
  expect(code, stderr).toBe(0);

  const [report] = (JSON.parse(stdout) as { items: readonly RebuildReport[] }).items;
  const { root, documents, resumed, ledBy, members = [], id } = report!;
  const topic = await readTopic(servers, `${name}.e1`);
  const fold = plainFold([{ epoch: 1, records: topic }], eventSchemaSha256);
  expect(root).toBe(plainRoot(fold.entities));
  expect(plainRoot(await readIndex(servers.elasticsearchUrl, `${name}-entities`))).toBe(root);
  expect({ resumed, ledBy }).toEqual({ resumed: 1, ledBy: expect.stringMatching(/^2\/3 .*:\d+$/) });
  expect(members.map(({ by }) => by.split(' ')[0])).toEqual(['0/3', '1/3', '2/3']);
  expect(members.map((one) => one.left)).toEqual([1, 1, 0]);
  expect(members[2]!.takenOver).toBe(new Set(left).size);
  const sum = (of: (member: (typeof members)[number]) => number): number =>
    members.reduce((all, member) => all + of(member), 0);
  expect(sum(({ units }) => units)).toBe(partitions);
  expect(sum((member) => member.documents)).toBe(documents);
  expect(sum(({ records }) => records)).toBe(topic.flat().length);

  // Of its work nothing is left; who comes late gets the report, and begins nothing.
  const state = await readBlobs(servers.blobConnectionString, `${name}-state`, `rebuilds/${id}/`);
  expect([...state.keys()]).toEqual([]);
  const late = await share(profile, 0).ended;
  expect(late.code, late.stderr).toBe(0);
  expect(JSON.parse(late.stdout)).toEqual({ items: [report] });
  const indexes = (await (await fetch(`${servers.elasticsearchUrl}/${name}-entities*`)).json()) as object;
  expect(Object.keys(indexes)).toHaveLength(1);
});
