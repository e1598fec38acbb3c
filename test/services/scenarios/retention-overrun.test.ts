import { expect, test } from 'vitest';
import { annal, startAnnal } from './annal-process.ts';
import { tableEvents } from './events.ts';
import { asAdmin, ownProfile } from './own-profile.ts';
import { archived, caughtUp, eventually } from './progress.ts';

test('records that Kafka dropped before they were archived: a gap on record, told everywhere, and all goes on behind it', async () => {
  await using profile = await ownProfile();
  const { env, name, servers } = profile;
  expect(await annal(['init', '--partitions', '1'], env)).toMatchObject({ code: 0 });
  await using api = await startAnnal(['run', 'api'], env);
  const publish = async (from: number, to: number): Promise<void> => {
    const events = tableEvents(to).slice(from);
    expect(await api.call('POST', '/v1/events', events)).toMatchObject({ status: 200 });
  };
  {
    await using archiver = await startAnnal(['run', 'archiver'], env);
    await using projector = await startAnnal(['run', 'projector'], env);
    await publish(0, 50);
    await archived(api);
    await caughtUp(api);
    expect(await archiver.stop()).toMatchObject({ code: 0 });
    expect(await projector.stop()).toMatchObject({ code: 0 });
  }
  await publish(50, 150);
  const topic = `${name}.e1`;
  await asAdmin(servers, async (admin) => {
    await admin.fetchTopicOffsets(topic); // Or kafkajs does not know where the topic's partitions live.
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '120' }] });
  });
  const [offsets] = await asAdmin(servers, (admin) => admin.fetchTopicOffsets(topic));
  expect(offsets).toMatchObject({ low: '120', high: '150' });
  const client = { ANNAL_URL: api.address };
  const before = await annal(['archive', 'status', '-o', 'json'], client);
  expect(before.code).toBe(6);
  expect(before.stderr).toContain('ARCHIVE_GAP: partition 0: offsets 50 to 119 are gone from the log');

  await using archiver = await startAnnal(['run', 'archiver'], env);
  await using projector = await startAnnal(['run', 'projector'], env);
  await publish(150, 160);
  await archived(api);
  const gap = { kind: 'gap', epoch: 1, partition: 0, first: 50, next: 120 };
  // Holes and gaps are looked for a few times a minute.
  const told = await eventually('the gap on record', 60_000, async () => {
    const { body } = await api.call('GET', '/v1/archive');
    return (body.missing as unknown[]).length > 0 ? body : undefined;
  });
  expect(told).toMatchObject({ missing: [gap], items: [{ archived: 160, logEnd: 160, fault: null }] });
  expect(archiver.stderr()).toContain('"msg":"archive gap"');

  // Ready, and degraded with the reason, in each process.
  for (const process of [archiver, projector, api]) {
    const { status, body } = await eventually('degraded', 60_000, async () => {
      const answer = await process.call('GET', '/readyz');
      return answer.status === 200 && answer.body.degraded !== undefined ? answer : undefined;
    });
    expect(status).toBe(200);
    expect(body.degraded).toEqual([
      { code: 'ARCHIVE_GAP', detail: expect.stringContaining('offsets 50 to 119 of partition 0 in epoch 1') },
    ]);
  }
  const status = await annal(['archive', 'status'], client);
  expect(status.code).toBe(6);
  expect(status.stdout).toMatch(/gap +1 +0 +50-119/);
  const doctor = await annal(['doctor'], env);
  expect(doctor.stdout).toContain('ARCHIVE_GAP: 1-0: offsets 50 to 119');
  const metrics = await fetch(`${archiver.address}/metrics`);
  expect(await metrics.text()).toContain('annal_archive_missing_ranges{kind="gap"} 1');

  // A gap is no fault of the archive: it says what it has not, and every byte it has is sound.
  expect(await annal(['archive', 'verify', '--deep'], env)).toMatchObject({ code: 0 });
  // Live lanes and replays go over it: 50, 30 that were still there, 10.
  const items = await caughtUp(api);
  expect(items.find(({ projection }) => projection === 'entities')).toMatchObject({ documents: 90 });
  const rebuilt = await annal(['rebuild', '--all', '--yes'], client);
  // No key was given to anybody here.
  const unsigned = 'the report of history is not signed: name a key in ANNAL_SIGNING_KEY_FILE';
  expect(rebuilt).toMatchObject({ code: 0, stderr: expect.stringContaining(unsigned) });
  expect(await annal(['verify', 'history'], client)).toMatchObject({ code: 0 });
});
