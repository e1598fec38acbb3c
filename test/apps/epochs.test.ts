import { randomUUID } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OpenAnnal, OpenOptions } from '../../src/apps/open-annal.ts';
import { localOwner } from '../../src/domain/policy.ts';
import { eventSchemaSha256 } from '../../src/formats/event.ts';
import { entities } from '../../src/projections/entities.ts';
import { projections } from '../../src/projections/registry.ts';
import type { TurnPoint } from '../../src/streams/close-epoch.ts';
import { caughtUp, type Embedded, embedded, submit } from '../given/annal.ts';
import { anApi, calling } from '../given/api.ts';
import { readPlainEpochs } from '../given/plain-log.ts';
import { plainFold } from '../given/plain-reducer.ts';
import { type PlainDocument, plainRoot } from '../given/plain-root.ts';

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.t${n},PROD)`;
const change = (n: number, of = n % 12) => ({
  ...{ id: randomUUID(), urn: urn(of), aspect: 'datasetProperties' },
  value: { name: `t${of}`, description: `change ${n}` },
});
const opening = (folder: Embedded, options: Partial<OpenOptions> = {}): Promise<OpenAnnal> =>
  folder.open({ epochLookMs: 20, ...options });

/** An intake that is just going is a refusal like another. */
const refusedToo = (): undefined => undefined;

/** A machine may be busy. */
const patient = { timeout: 20_000 };

/** Opens the next epoch with so many partitions, to its end. */
async function grow({ runtime }: OpenAnnal, partitions: number): Promise<void> {
  const started = await runtime.turns.start({ action: 'open', partitions });
  expect(await runtime.turns.ended(started.id)).toMatchObject({ state: 'done', fault: null });
}

async function documentsOf({ runtime }: OpenAnnal, n: number): Promise<PlainDocument[]> {
  const index = await runtime.model.serving(projections[n]!.definition);
  const found: PlainDocument[] = [];
  for await (const documents of index!.scan()) found.push(...documents);
  return found;
}

/** Read models are what a second fold, written apart from the first, makes of the topics themselves. */
async function expectPlain(annal: OpenAnnal): Promise<void> {
  await caughtUp(annal);
  const { ports, runtime } = annal;
  const plain = plainFold(await readPlainEpochs(ports.logHost, runtime.epochs), eventSchemaSha256);
  const roots = {
    entities: plainRoot(plain.entities),
    history: plainRoot(plain.history),
    edges: plainRoot(plain.edges),
  };
  for (const [n, { definition }] of projections.entries())
    expect(plainRoot(await documentsOf(annal, n)), definition.projection).toBe(
      roots[definition.projection as keyof typeof roots],
    );
}

test('a log grows and shrinks while it is read: log, search, history, as-of, rebuild and verify go across', async () => {
  await using folder = await embedded({ ANNAL_PARTITIONS: '2' });
  const moments: string[] = [];
  {
    await using annal = await opening(folder);
    const call = calling(anApi(annal.runtime));
    for (const partitions of [2, 5, 1]) {
      if (partitions !== 2) await grow(annal, partitions);
      const before = moments.length * 30;
      for (const result of await submit(
        annal,
        Array.from({ length: 30 }, (_, n) => change(before + n)),
      ))
        expect(result).toMatchObject({ status: 'appended', position: { epoch: moments.length + 1 } });
      await caughtUp(annal);
      const { json } = await call('GET', `/v1/entities/${encodeURIComponent(urn(7))}`);
      moments.push(json.position);
    }
    expect(moments.map((position) => position.slice(0, 2))).toEqual(['1-', '2-', '3-']);
    await expectPlain(annal);

    const all = (await call('GET', '/v1/events?limit=1000&order=asc')).json.items as { position: string }[];
    expect(all).toHaveLength(90);
    const epochs = all.map(({ position }) => Number(position.split('-')[0]));
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    for (const [n, position] of moments.entries()) {
      const { json } = await call(
        'GET',
        `/v1/entities/${encodeURIComponent(urn(7))}?as-of=${encodeURIComponent(`@${position}`)}`,
      );
      expect(json).toMatchObject({ position, aspects: { datasetProperties: {} } });
      expect(json.aspects.datasetProperties.value.description).toBe(`change ${[19, 55, 79][n]}`);
    }
    const history = (await call('GET', `/v1/entities/${encodeURIComponent(urn(7))}/history?limit=100`)).json;
    expect(new Set(history.items.map(({ position }: { position: string }) => position[0]))).toEqual(
      new Set(['1', '2', '3']),
    );
    const followed = (await call('GET', '/v1/events?after=1:0.0&limit=1000')).json;
    expect(followed.items).toHaveLength(90);
    expect((await call('GET', '/v1/search?q=t7')).json.total).toBe(1);
    for (const { definition } of projections) {
      const verified = await annal.runtime.verify(definition.projection);
      expect((await annal.runtime.ended(verified.id)).verified).toMatchObject({ equal: true });
      const rebuilt = await annal.runtime.rebuild(definition.projection);
      expect(await annal.runtime.ended(rebuilt.id)).toMatchObject({ state: 'done' });
    }
    await expectPlain(annal);
  }
  await using again = await opening(folder);
  await submit(again, [change(90), change(91)]);
  await expectPlain(again);
  expect(await again.runtime.health()).toEqual({ ready: true, reasons: [] });
});

test('events are published while epochs turn: what was acknowledged is folded, each once and in its order', async () => {
  await using folder = await embedded({ ANNAL_PARTITIONS: '2' });
  await using annal = await opening(folder);
  const acknowledged = new Map<string, string[]>();
  let [sent, refused, over] = [0, 0, false];

  /** Sends the changes of one entity, one after the other, each until it is acknowledged. */
  async function client(of: number): Promise<void> {
    const ids: string[] = [];
    acknowledged.set(urn(of), ids);
    while (!over) {
      sent += 1;
      const event = change(sent, of);
      for (;;) {
        const body = Buffer.from(JSON.stringify(event));
        const submitted = await annal.runtime
          .intake!.submit({ body, principal: localOwner })
          .catch(refusedToo);
        const result = submitted?.kind === 'one' ? submitted.results[0] : undefined;
        if (result?.status === 'appended') break;
        refused += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      ids.push(event.id);
    }
  }
  const clients = Array.from({ length: 8 }, (_, of) => client(of));
  for (const partitions of [4, 3, 7]) {
    const before = sent;
    await expect.poll(() => sent, patient).toBeGreaterThan(before + 30);
    await grow(annal, partitions);
  }
  over = true;
  await Promise.all(clients);
  expect(refused).toBeGreaterThan(0);
  await expectPlain(annal);
  const call = calling(anApi(annal.runtime));
  for (const [of, ids] of acknowledged) {
    const query = `urn=${encodeURIComponent(of)}&order=asc&limit=1000&outcome=applied`;
    const { items } = (await call('GET', `/v1/events?${query}`)).json;
    // The same as often as it was sent; a repeat has another outcome.
    expect(items.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 1_000));
  }
});

describe('a process that dies at a point of the turn, and one that goes on after it', () => {
  const points: readonly TurnPoint[] = [
    ...(['topic-made', 'closing-written', 'drained', 'archived', 'sealed', 'opened'] as const),
  ];
  test.each(points)('%s', async (point) => {
    await using folder = await embedded({ ANNAL_PARTITIONS: '2' });
    {
      const turnProbe = (passed: TurnPoint): void => {
        if (passed === point) throw new Error('dead');
      };
      await using annal = await opening(folder, { probes: { turnProbe } });
      await submit(
        annal,
        Array.from({ length: 20 }, (_, n) => change(n)),
      );
      const started = await annal.runtime.turns.start({ action: 'open', partitions: 3 });
      expect(await annal.runtime.turns.ended(started.id)).toMatchObject({ state: 'failed' });
    }
    await using annal = await opening(folder);
    const request = { action: 'open', after: 1, partitions: 3 } as const;
    for (let times = 0; times < 2; times += 1) {
      const started = await annal.runtime.turns.start(request);
      expect(await annal.runtime.turns.ended(started.id)).toMatchObject({
        state: 'done',
        report: { epoch: 1, events: 20, opened: { epoch: 2, partitions: 3 } },
      });
    }
    await submit(annal, [change(20)]);
    await expectPlain(annal);
    expect(annal.runtime.epochs).toHaveLength(2);
  });
});

test('two operators at once: one epoch is opened; who asked for other partitions is told', async () => {
  await using folder = await embedded({ ANNAL_PARTITIONS: '2' });
  await using annal = await opening(folder);
  await submit(
    annal,
    Array.from({ length: 10 }, (_, n) => change(n)),
  );
  const { turns } = annal.runtime;
  const asked = [3, 3, 4].map((partitions) => turns.start({ action: 'open', after: 1, partitions }));
  const ended = await Promise.all(
    asked.map(async (start) => {
      try {
        const { state, report, fault } = await turns.ended((await start).id);
        return fault?.code ?? `${state} ${report?.opened?.partitions}`;
      } catch (error) {
        return (error as { code?: string }).code;
      }
    }),
  );
  await expect.poll(() => annal.runtime.epochs.length, patient).toBe(2);
  // Whoever makes the topic first decides.
  const made = annal.runtime.epochs[1]!.partitions;
  for (const [n, partitions] of [3, 3, 4].entries())
    if (partitions === made) expect(ended[n]).toBe(`done ${made}`);
    else expect(['EPOCH_TAKEN', 'TOPIC_MISMATCH']).toContain(ended[n]);
  await submit(annal, [change(10)]);
  await expectPlain(annal);
});

test('a closed epoch takes nothing in, is told of, and stays closed over a restart; the next one goes on', async () => {
  await using folder = await embedded();
  {
    await using annal = await opening(folder);
    await submit(annal, [change(0)]);
    const started = await annal.runtime.turns.start({ action: 'close' });
    expect(await annal.runtime.turns.ended(started.id)).toMatchObject({
      state: 'done',
      report: { events: 1, opened: null },
    });
    expect(await submit(annal, [change(1)])).toMatchObject([{ status: 'refused', code: 'EPOCH_CLOSED' }]);
    await caughtUp(annal);
    expect(await annal.runtime.health()).toMatchObject({ ready: false, reasons: [{ code: 'EPOCH_CLOSED' }] });
  }
  await using annal = await opening(folder);
  expect(await submit(annal, [change(1)])).toMatchObject([{ status: 'refused', code: 'EPOCH_CLOSED' }]);
  await grow(annal, 4);
  expect(await submit(annal, [change(1)])).toMatchObject([{ status: 'appended', position: { epoch: 2 } }]);
  await expectPlain(annal);
  expect(await annal.runtime.health()).toEqual({ ready: true, reasons: [] });
});

test('a record that comes to a closed topic is published again under its id, with an alarm', async () => {
  await using folder = await embedded({ ANNAL_PARTITIONS: '1' });
  const alarms: Record<string, unknown>[] = [];
  const say: OpenOptions['say'] = (level, what, facts) => {
    if (level === 'error') alarms.push({ what, ...facts });
  };
  await using annal = await opening(folder, { say });
  await submit(annal, [change(0)]);
  await caughtUp(annal);
  const [first] = annal.runtime.epochs;
  await grow(annal, 3);
  // What a process wrote that stood still: intake's own record, late.
  await using old = await annal.ports.logHost.open(first!);
  await using reader = await old.reader(null);
  const { records } = await reader.lane(0, 0).pull(AbortSignal.timeout(5_000));
  const late = change(1);
  const { value, key, headers } = records[0]!;
  const { readEvent, encodeEvent } = await import('../../src/formats/event.ts');
  const { unframe } = await import('../../src/formats/framing.ts');
  const event = readEvent(Buffer.from(unframe(value!)));
  const avro = encodeEvent({ ...event, id: late.id, value: Buffer.from(JSON.stringify(late.value)) });
  await old.append(0, [{ key, headers, value: Buffer.concat([value!.subarray(0, 5), avro]) }]);
  await expect.poll(() => annal.runtime.stragglers(), patient).toBe(1);
  expect(alarms).toMatchObject([
    { what: 'straggler published again', topic: 'annal.e1', at: '1-0-1', id: late.id },
  ]);
  await caughtUp(annal);
  const index = await annal.runtime.model.serving(entities.definition);
  const body = (await index!.load([event.urn])).get(event.urn)!.body.toString('utf8');
  expect(body).toContain(late.id);
  await expectPlain(annal);
});

test('a start on the topic of another log is refused, also where that is longer than what was archived', async () => {
  await using own = await embedded({ ANNAL_PARTITIONS: '1' });
  await using other = await embedded({ ANNAL_PARTITIONS: '1' });
  for (const [folder, count] of [
    [own, 5],
    [other, 9],
  ] as const) {
    await using annal = await opening(folder);
    await submit(
      annal,
      Array.from({ length: count }, (_, n) => change(n)),
    );
    // What is not archived cannot be told from another log's.
    await annal.runtime.archiver!.reach([count], AbortSignal.timeout(20_000));
  }
  const logOf = ({ config }: Embedded): string => join(config.dataDir, 'log');
  rmSync(logOf(own), { recursive: true });
  cpSync(logOf(other), logOf(own), { recursive: true });
  await expect(opening(own)).rejects.toMatchObject({
    code: 'LOG_FORK',
    facts: { reason: expect.stringContaining('another record at 4 in partition 0') },
  });
});
