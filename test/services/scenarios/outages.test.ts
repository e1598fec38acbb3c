import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eventSchemaSha256 } from '../../../src/formats/event.ts';
import { plainFold } from '../../given/plain-reducer.ts';
import { plainRoot } from '../../given/plain-root.ts';
import type { ServerKind } from '../addresses.ts';
import { countKill } from '../kill-count.ts';
import type { RunningServer } from '../running-server.ts';
import { startServer } from '../servers.ts';
import { type AnnalProcess, startAnnal } from './annal-process.ts';
import { urnOf } from './events.ts';
import { asScenariosMeetIt, ownProfile } from './own-profile.ts';
import { readIndex, readTopic } from './plain-readers.ts';
import { archived, caughtUp, eventually, missingAt } from './progress.ts';

const entities = 50;
const perRequest = 20;
const pacingMs = 100;
const awayMs = 60_000;
const backMs = 90_000;

interface Event {
  readonly id: string;
  readonly urn: string;
  readonly value: unknown;
}

interface Publishing {
  /** Events that were acknowledged, in their order. */
  readonly acknowledged: readonly Event[];
  /** Requests that were answered with something else than an acknowledgement of all. */
  readonly failures: readonly string[];
  /** Of the last acknowledged event. */
  position(): string;
  stop(): Promise<void>;
}

/** Publishes without end, the same events again until all are acknowledged: what a client has to do. */
function publishing(api: () => AnnalProcess): Publishing {
  const acknowledged: Event[] = [];
  const failures: string[] = [];
  let position = '';
  const stopping = new AbortController();
  const running = (async () => {
    for (let n = 0; !stopping.signal.aborted; n += perRequest) {
      const batch = Array.from({ length: perRequest }, (_, i) => ({
        ...{ id: randomUUID(), urn: urnOf(`t${(n + i) % entities}`), aspect: 'datasetProperties' },
        value: { name: `t${(n + i) % entities}`, description: `change ${n + i}` },
      }));
      while (!(await sent(batch)) && !stopping.signal.aborted) await pause(pacingMs);
      await pause(pacingMs);
    }
  })();

  async function sent(batch: readonly Event[]): Promise<boolean> {
    const answer = await api()
      .call('POST', '/v1/events', batch)
      .catch(() => undefined); // Nobody answers: the process was killed.
    if (answer === undefined) return false;
    const { status, body } = answer;
    if (status === 200 && body.appended === batch.length) {
      acknowledged.push(...batch);
      position = (body.results as { position: string }[]).at(-1)!.position;
      return true;
    }
    const results = (body.results ?? [body]) as { code?: string }[];
    failures.push(results.find(({ code }) => code !== undefined)?.code ?? String(status));
    return false;
  }

  // Told by `stop`, or by the test that failed before it.
  running.catch(() => undefined);
  return {
    ...{ acknowledged, failures },
    position: () => position,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** What readiness names, and what publishing answers, while a server is away. */
const outages: readonly {
  readonly kind: ServerKind;
  readonly code: string;
  readonly publishes: boolean;
}[] = [
  { kind: 'registry', code: 'REGISTRY_UNAVAILABLE', publishes: true },
  { kind: 'elasticsearch', code: 'MODEL_UNAVAILABLE', publishes: true },
  { kind: 'azurite', code: 'STORE_UNAVAILABLE', publishes: true },
  { kind: 'kafka', code: 'LOG_UNAVAILABLE', publishes: false },
];

test('servers come and go while events flow: what is away is named, work goes on by itself, nothing is lost or doubled', {
  timeout: 600_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  // Killed brokers are let in again when their old session ends: 9 s by default.
  const settings = { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' };
  const started = await Promise.all([
    startServer('kafka', { own: true, settings }),
    startServer('elasticsearch', { own: true }),
    startServer('registry', { own: true }),
    startServer('azurite', { own: true, keepsBlobs: true }),
  ]);
  const servers = new Map<ServerKind, RunningServer>();
  for (const server of started) servers.set(server.kind, stack.use(server));
  const address = (kind: ServerKind): string => servers.get(kind)!.address;
  const at = {
    kafkaBrokers: [await asScenariosMeetIt(stack, address('kafka'))],
    elasticsearchUrl: address('elasticsearch'),
    schemaRegistryUrl: address('registry'),
    blobConnectionString: address('azurite'),
  };
  // The servers go at the end with all they hold.
  const profile = await ownProfile({}, at);
  const start = async () => stack.use(await startAnnal(['start', '--no-sample'], profile.env));
  let annal = await start();
  const client = publishing(() => annal);
  const more = (count: number) => {
    const until = client.acknowledged.length + count;
    return eventually(`${count} more events acknowledged`, awayMs, async () =>
      client.acknowledged.length >= until ? true : undefined,
    );
  };
  const shown = async (): Promise<void> => {
    await more(100);
    const position = client.position();
    await eventually(`${position} shown`, backMs, async () =>
      (await annal.call('GET', `/v1/events/${position}?wait=5s`)).status === 200 ? true : undefined,
    );
  };
  await more(100);
  for (const { kind, code, publishes } of outages) {
    const server = servers.get(kind)!;
    // Azurite may lose blobs it acknowledged when it is killed.
    await (kind === 'azurite' ? server.end() : server.kill());
    if (kind !== 'azurite') countKill('SIGKILL', `the server ${kind}`);
    const [failed, done] = [client.failures.length, client.acknowledged.length];
    await eventually(`${code} told`, awayMs, async () =>
      (await missingAt(annal)).includes(code) ? true : undefined,
    );
    expect((await annal.call('GET', '/livez')).status).toBe(200);
    if (publishes) await more(100);
    else
      await eventually('a refusal', awayMs, async () => (client.failures.length > failed ? true : undefined));
    if (!publishes) expect(client.acknowledged.length).toBeLessThanOrEqual(done + perRequest);
    await server.restart();
    await eventually(`ready without ${kind} being asked`, backMs, async () => {
      const missing = await missingAt(annal);
      if (missing.length > 0) throw new Error(missing.join(' '));
      return true;
    });
    await shown();
  }
  // One that hangs is worse than one that is gone: nothing may wait for it that does not need it.
  await servers.get('elasticsearch')!.pause();
  countKill('SIGSTOP', 'the server elasticsearch');
  await eventually('the engine named', awayMs, async () =>
    (await missingAt(annal)).includes('MODEL_UNAVAILABLE') ? true : undefined,
  );
  const before = performance.now();
  await more(100);
  expect(performance.now() - before).toBeLessThan(20_000);
  await servers.get('elasticsearch')!.resume();
  await shown();
  await servers.get('kafka')!.pause();
  countKill('SIGSTOP', 'the server kafka');
  await eventually('the log named', awayMs, async () =>
    (await missingAt(annal)).includes('LOG_UNAVAILABLE') ? true : undefined,
  );
  expect((await annal.call('GET', '/livez')).status).toBe(200);
  await servers.get('kafka')!.resume();
  await shown();
  // And Annal itself, while it takes events in.
  await annal.kill();
  countKill('SIGKILL', 'all parts at once');
  annal = await start();
  await shown();
  await client.stop();
  const said = new Set(client.failures);
  for (const code of said) expect(['LOG_UNAVAILABLE', 'APPEND_UNKNOWN']).toContain(code);
  await archived(annal);
  await caughtUp(annal);
  expect(await annal.stop()).toMatchObject({ code: 0 });

  const fold = plainFold(
    [{ epoch: 1, records: await readTopic(at, `${profile.name}.e1`) }],
    eventSchemaSha256,
  );
  const outcomes = [...fold.outcomes.values()];
  expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(client.acknowledged.length);
  expect(outcomes.filter((outcome) => outcome !== 'applied' && outcome !== 'duplicate')).toEqual([]);
  for (const projection of ['entities', 'history', 'edges'] as const) {
    const found = await readIndex(at.elasticsearchUrl, `${profile.name}-${projection}`);
    expect(plainRoot(found), projection).toBe(plainRoot(fold[projection]));
  }
  const last = new Map(client.acknowledged.map((event) => [event.urn, event.value]));
  for (const { id, body } of fold.entities)
    expect(JSON.parse(body.toString('utf8')).aspects.datasetProperties.value).toEqual(last.get(id));
});
