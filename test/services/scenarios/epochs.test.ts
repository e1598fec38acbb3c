import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { parseCut } from '../../../src/domain/cut.ts';
import { decodeEvent, encodeEvent, eventSchemaSha256 } from '../../../src/formats/event.ts';
import { unframe } from '../../../src/formats/framing.ts';
import { type PlainEpoch, type PlainRecord, plainFold } from '../../given/plain-reducer.ts';
import { plainRoot } from '../../given/plain-root.ts';
import { countKill } from '../kill-count.ts';
import { type AnnalProcess, annal, spawned, startAnnal } from './annal-process.ts';
import { urnOf } from './events.ts';
import { asAdmin, kafkaOf, type OwnProfile, ownProfile } from './own-profile.ts';
import { readIndex, readTopic } from './plain-readers.ts';
import { archived, caughtUp, eventually, missingAt } from './progress.ts';

interface Told {
  readonly id: string;
  readonly urn: string;
  readonly position: string;
}

interface Traffic {
  readonly acknowledged: readonly Told[];
  readonly codes: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** Clients that each change one entity, at one server or the other, every change until it is acknowledged. */
function traffic(servers: readonly AnnalProcess[]): Traffic {
  const acknowledged: Told[] = [];
  const codes = new Set<string>();
  const stopping = new AbortController();

  async function client(entity: number): Promise<void> {
    const [name, urn] = [`t${entity}`, urnOf(`t${entity}`)];
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      const id = randomUUID();
      const event = { id, urn, aspect: 'datasetProperties', value: { name, description: `change ${n}` } };
      for (let tries = entity; ; tries += 1) {
        const { body } = await servers[tries % servers.length]!.call('POST', '/v1/events', event);
        const [result] = (body.results ?? [body]) as { code?: string; position?: string }[];
        if (result?.position !== undefined) {
          acknowledged.push({ id, urn, position: result.position });
          break;
        }
        codes.add(result?.code ?? 'none');
        await pause(100);
      }
      await pause(50);
    }
  }
  const clients = Array.from({ length: 8 }, (_, entity) => client(entity));
  const running = Promise.all(clients);
  // Told by `stop`, or by the test that failed before it.
  running.catch(() => undefined);
  return {
    ...{ acknowledged, codes },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const epochOf = ({ position }: Told): number => Number(position.split('-')[0]);

interface ListedEpoch {
  readonly epoch: number;
  readonly state: string;
  readonly partitions: number;
  readonly end: string | null;
}

async function epochsAt(env: Readonly<Record<string, string>>): Promise<readonly ListedEpoch[]> {
  const { code, stdout, stderr } = await annal(['epoch', 'list', '-o', 'json'], env);
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { items: ListedEpoch[] }).items;
}

/** What topics hold up to where their epochs ended; those of an epoch that was lost are given. */
async function plainEpochs(
  { servers, name }: OwnProfile,
  epochs: readonly ListedEpoch[],
  lost: ReadonlyMap<number, PlainRecord[][]>,
): Promise<PlainEpoch[]> {
  return Promise.all(
    epochs.map(async ({ epoch, end }) => {
      const records = lost.get(epoch) ?? (await readTopic(servers, `${name}.e${epoch}`));
      const next = end === null ? [] : parseCut(end)!.next;
      return { epoch, records: records.map((own, partition) => own.slice(0, next[partition])) };
    }),
  );
}

/** Read models are what a second fold makes of the topics; what was acknowledged is applied, in its order. */
async function expectPlain(
  profile: OwnProfile,
  acknowledged: readonly Told[],
  lost: ReadonlyMap<number, PlainRecord[][]> = new Map(),
): Promise<void> {
  const epochs = await plainEpochs(profile, await epochsAt(profile.env), lost);
  const plain = plainFold(epochs, eventSchemaSha256);
  for (const projection of ['entities', 'history', 'edges'] as const)
    expect(
      plainRoot(await readIndex(profile.servers.elasticsearchUrl, `${profile.name}-${projection}`)),
    ).toBe(plainRoot(plain[projection]));
  const appliedAt = new Map<string, number>();
  for (const { body } of plain.history) {
    const { id, outcome, position = '' } = JSON.parse(body.toString('utf8')) as Record<string, string>;
    const [epoch, , offset] = position.split('-').map(Number);
    if (outcome === 'applied') appliedAt.set(id!, epoch! * 2 ** 44 + offset!);
  }
  for (const [urn, own] of Map.groupBy(acknowledged, (told) => told.urn)) {
    const places = own.map(({ id }) => appliedAt.get(id) ?? Number.NaN);
    expect(places, urn).toEqual(places.toSorted((a, b) => a - b));
    expect(places.some(Number.isNaN), `${urn} lost an event`).toBe(false);
  }
}

/** What a process of intake wrote that had stood still: a change of an entity, in the topic of an epoch that has ended. */
async function late({ servers, name }: OwnProfile): Promise<string> {
  const [lane] = await readTopic(servers, `${name}.e1`);
  const { key, value, headers } = lane!.at(-1)!;
  const id = randomUUID();
  const event = { ...decodeEvent(unframe(value!)), id, value: Buffer.from('{"name":"late"}') };
  const producer = kafkaOf(servers).producer();
  await producer.connect();
  await producer.send({
    topic: `${name}.e1`,
    messages: [
      {
        partition: 0,
        key,
        value: Buffer.concat([value!.subarray(0, 5), encodeEvent(event)]),
        headers: Object.fromEntries(Object.entries(headers).map(([header, [content]]) => [header, content!])),
      },
    ],
  });
  await producer.disconnect();
  return id;
}

const topicGone = (profile: OwnProfile, topic: string): Promise<true> =>
  eventually(`${topic} gone`, 30_000, async () =>
    (await asAdmin(profile.servers, (admin) => admin.listTopics())).includes(topic) ? undefined : true,
  );

test('a log grows while four processes run, an operator dies, two go on, a record comes late; then its topic is lost', {
  timeout: 420_000,
}, async () => {
  await using profile = await ownProfile();
  const { env, name, servers } = profile;
  await annal(['init', '--partitions', '3'], env);
  const acknowledged: Told[] = [];
  let second: PlainRecord[][];
  {
    await using archiver = await startAnnal(['run', 'archiver'], env);
    await using projector = await startAnnal(['run', 'projector'], env);
    await using api = await startAnnal(['run', 'api'], env);
    await using other = await startAnnal(['run', 'api'], env);
    const client = traffic([api, other]);
    await eventually('some events', 60_000, async () => (client.acknowledged.length > 50 ? true : undefined));

    // A topic that would lose events is not taken, and nothing is closed for it.
    const compacted = [{ name: 'cleanup.policy', value: 'compact' }];
    const wrong = { topic: `${name}.e2`, numPartitions: 5, configEntries: compacted };
    await asAdmin(servers, (admin) => admin.createTopics({ topics: [wrong], waitForLeaders: true }));
    const turn = ['epoch', 'open', '--after', '1', '--partitions', '5', '--yes', '-o', 'json'];
    expect(await annal(turn, env)).toMatchObject({ code: 1, stderr: expect.stringContaining('TOPIC_UNFIT') });
    expect(await epochsAt(env)).toMatchObject([{ epoch: 1, state: 'open' }]);
    await asAdmin(servers, (admin) => admin.deleteTopics({ topics: [`${name}.e2`] }));
    await topicGone(profile, `${name}.e2`);

    const { ended } = spawned('test/services/scenarios/turning-process.ts', ['closing-written', '5'], env);
    const killed = await ended;
    expect(killed, killed.stderr).toMatchObject({ signal: 'SIGKILL' });
    countKill('SIGKILL', 'an operator that turns an epoch');
    await eventually('intake stands still', 20_000, async () =>
      client.codes.has('EPOCH_CLOSED') ? true : undefined,
    );
    const operators = [env, { ANNAL_URL: api.address }].map((of) => annal(turn, of, 120_000));
    for (const operator of await Promise.all(operators)) {
      expect(operator.code, operator.stderr).toBe(0);
      expect(JSON.parse(operator.stdout)).toMatchObject({ epoch: 1, opened: { epoch: 2, partitions: 5 } });
    }
    const before = client.acknowledged.length;
    await eventually('events in the next epoch', 60_000, async () =>
      client.acknowledged.length > before + 100 ? true : undefined,
    );
    const lateId = await late(profile);
    await eventually('the late record in the log', 30_000, async () => {
      const metrics = await Promise.all([api, other].map(({ address }) => fetch(`${address}/metrics`)));
      const texts = await Promise.all(metrics.map((answer) => answer.text()));
      return texts.some((text) => /^annal_stragglers [1-9]/m.test(text)) ? true : undefined;
    });
    await client.stop();
    acknowledged.push(...client.acknowledged);
    expect(new Set(acknowledged.map(epochOf))).toEqual(new Set([1, 2]));
    await archived(api);
    await caughtUp(api);
    const { body } = await api.call('GET', `/v1/events?limit=1000&urn=${encodeURIComponent(urnOf('t0'))}`);
    const epochs = (body.items as { position: string }[]).map(({ position }) => position[0]);
    expect(new Set(epochs)).toEqual(new Set(['1', '2']));
    await expectPlain(profile, acknowledged);
    second = await readTopic(servers, `${name}.e2`);
    const republished = second.flat().filter(({ value }) => decodeEvent(unframe(value!)).id === lateId);
    expect(republished.length).toBeGreaterThan(0);
    for (const process of [archiver, projector, api, other]) expect(await missingAt(process)).toEqual([]);
    const rebuilt = await annal(['rebuild', '--all', '--yes'], { ANNAL_URL: api.address });
    expect(rebuilt.code, rebuilt.stderr).toBe(0);
    await expectPlain(profile, acknowledged);
    for (const process of [projector, archiver, api, other])
      expect(await process.stop()).toMatchObject({ code: 0 });
  }

  const lose = ['epoch', 'open', '--lost', '--partitions', '2', '--yes', '-o', 'json'];
  expect(await annal(lose, env)).toMatchObject({ code: 4, stderr: expect.stringContaining('LOG_PRESENT') });
  await asAdmin(servers, (admin) => admin.deleteTopics({ topics: [`${name}.e2`] }));
  await topicGone(profile, `${name}.e2`);
  const lost = await annal(lose, env);
  expect(lost.code, lost.stderr).toBe(0);
  expect(lost.stderr).toContain(`${name}.e2 is missing`);
  expect(lost.stderr).toContain('up to 1 s before the loss');
  expect(JSON.parse(lost.stdout)).toMatchObject({ epoch: 2, opened: { epoch: 3, partitions: 2 } });
  await using all = await startAnnal(['start', '--no-sample'], env);
  const client = traffic([all]);
  await eventually('some events', 60_000, async () => (client.acknowledged.length > 50 ? true : undefined));
  await client.stop();
  acknowledged.push(...client.acknowledged);
  expect(new Set(client.acknowledged.map(epochOf))).toEqual(new Set([3]));
  await caughtUp(all);
  await expectPlain(profile, acknowledged, new Map([[2, second]]));
  expect(await annal(['verify', 'history'], { ANNAL_URL: all.address })).toMatchObject({ code: 0 });
});
