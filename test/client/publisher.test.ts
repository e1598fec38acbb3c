import { describe, expect, test } from 'vitest';
import { pauseMs, retryAfterMs } from '../../src/client/backoff.ts';
import { nextBatch } from '../../src/client/batch.ts';
import type { Change } from '../../src/client/change.ts';
import { publishAll } from '../../src/client/publish-all.ts';
import { PublishError } from '../../src/client/publish-error.ts';
import { openPublisher, type PublisherOptions } from '../../src/client/publisher.ts';
import { collected } from '../given/collected.ts';
import { scriptedTransport } from '../given/scripted-transport.ts';

const change = (urn: string, aspect: string | null = 'a', value = 0): Change =>
  aspect === null ? { urn, change: 'DELETE' } : { urn, aspect, value };
const open = (transport: PublisherOptions['transport'], more: Partial<PublisherOptions> = {}) =>
  openPublisher({ transport, backoff: { firstMs: 1, mostMs: 2 }, lingerMs: 1, ...more });
const valuesOf = (changes: readonly Change[]): unknown[] => changes.map(({ value }) => value);

describe('a batch', () => {
  const parcels = (...changes: readonly Change[]) =>
    changes.map((one, n) => ({
      parcel: { change: { ...one, id: `${n}`, occurredAt: 0 }, bytes: Buffer.alloc(10) },
    }));
  const bounds = { changesMax: 3, bytesMax: 25 };
  const cases: readonly (readonly [why: string, length: number, changes: readonly Change[]])[] = [
    ['is as long as may be', 2, [change('x'), change('y'), change('z')]],
    ['holds an aspect once', 1, [change('x', 'a'), change('x', 'a'), change('y')]],
    ['holds two aspects of an entity', 2, [change('x', 'a'), change('x', 'b')]],
    ['ends before a deletion of an entity it holds', 1, [change('x', 'a'), change('x', null)]],
    ['ends after a deletion of an entity that comes again', 1, [change('x', null), change('x', 'a')]],
  ];
  test.each(cases)('%s', (_, length, changes) => {
    expect(nextBatch(parcels(...changes), bounds)).toHaveLength(length);
  });

  test('has one change at least', () => {
    expect(nextBatch(parcels(change('x')), { changesMax: 1, bytesMax: 1 })).toHaveLength(1);
  });
});

describe('a pause', () => {
  const backoff = { firstMs: 100, mostMs: 1_000 };
  test('doubles its bound up to a most, and is never shorter than was asked for', () => {
    expect([1, 2, 3, 4, 5, 50].map((tries) => pauseMs(tries, backoff, undefined, 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
    expect(pauseMs(50, backoff, undefined, 0)).toBe(0);
    expect(pauseMs(1, backoff, 5_000, 0)).toBe(5_000);
    expect(pauseMs(1, backoff, 1e12, 0.5)).toBe(300_050);
  });

  test('is read from seconds and from dates, and from nothing else', () => {
    const now = Date.parse('2026-11-20T10:00:00Z');
    expect(retryAfterMs('7', now)).toBe(7_000);
    expect(retryAfterMs('Fri, 20 Nov 2026 10:00:05 GMT', now)).toBe(5_000);
    expect(retryAfterMs('Fri, 20 Nov 2026 09:00:05 GMT', now)).toBe(0);
    for (const text of [null, '', '-1', '1.5', 'soon', 'yesterday 2026'])
      expect(retryAfterMs(text, now)).toBeUndefined();
  });
});

describe('a publisher', () => {
  test('does not send a later change of an aspect before the earlier one is settled', async () => {
    const transport = scriptedTransport();
    const busy = { refused: new PublishError('LOG_BUSY', { detail: 'busy' }) };
    const taken = { place: { where: 'log' as const, position: '1-0-9' }, repeated: false };
    transport.turns.push((parcels) => parcels.map(({ change: { urn } }) => (urn === 'x' ? busy : taken)));
    await using publisher = open(transport);
    const changes = [change('x', 'a', 1), change('y', 'a', 2), change('x', 'a', 3), change('z', 'a', 4)];
    await Promise.all(changes.map((one) => publisher.publish(one)));
    expect(transport.sent.map(valuesOf)).toEqual([[1, 2], [1], [3, 4]]);
  });

  test('sends each try under the id of the first', async () => {
    const transport = scriptedTransport();
    transport.turns.push('lose', 'away', 'lose');
    await using publisher = open(transport);
    const { id } = await publisher.publish(change('x'));
    expect(transport.sent.flat().map((sent) => sent.id)).toEqual([id, id, id, id]);
    expect(new Set(transport.sent.flat().map(({ occurredAt }) => occurredAt)).size).toBe(1);
  });

  test('holds no more than it may, and tells when there is room', async () => {
    const transport = scriptedTransport();
    const gate = Promise.withResolvers<void>();
    transport.gate = gate.promise;
    await using publisher = open(transport, { pendingMax: 2 });
    using _opened = { [Symbol.dispose]: () => gate.resolve() };
    const first = [publisher.publish(change('x')), publisher.publish(change('y'))];
    const third = publisher.publish(change('z')).catch((error: unknown) => error);
    expect(publisher.pending).toBe(2);
    expect(await third).toMatchObject({ code: 'PUBLISHER_FULL' });
    expect(publisher.hasRoom).toBe(false);
    const room = publisher.room();
    gate.resolve();
    await Promise.all([...first, room]);
    expect(publisher.pending).toBe(0);
    await publisher.publish(change('z'));
  });

  test('takes no more from an iterable than it has room for', async () => {
    const transport = scriptedTransport();
    const gate = Promise.withResolvers<void>();
    transport.gate = gate.promise;
    await using publisher = open(transport, { pendingMax: 5 });
    let taken = 0;
    function* many() {
      for (; taken < 50; taken += 1) yield change(`x${taken}`);
    }
    const outcomes = collected(publishAll(publisher, many()));
    await expect.poll(() => transport.sent.length).toBe(1);
    expect(taken).toBeLessThanOrEqual(6);
    gate.resolve();
    expect(await outcomes).toHaveLength(50);
  });

  test('loses patience with what passes by itself, and goes on with the rest', async () => {
    const transport = scriptedTransport({ changesMax: 1 });
    transport.turns.push('away');
    await using publisher = open(transport, { patienceMs: 0 });
    const [first, second] = await Promise.allSettled([
      publisher.publish(change('x')),
      publisher.publish(change('y')),
    ]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'SERVER_UNREACHABLE' } });
    expect(second).toMatchObject({ status: 'fulfilled' });
    expect(publisher.failing).toBeUndefined();
  });

  test('leaves a change that nobody wants any more', async () => {
    const transport = scriptedTransport({ changesMax: 1 });
    const gate = Promise.withResolvers<void>();
    transport.gate = gate.promise;
    await using publisher = open(transport);
    const stop = new AbortController();
    const kept = publisher.publish(change('x'));
    const left = publisher.publish(change('y'), { signal: stop.signal });
    const reason = new Error('not needed');
    stop.abort(reason);
    await expect(left).rejects.toBe(reason);
    gate.resolve();
    await kept;
    await publisher.idle();
    expect(transport.arrived.map(({ urn }) => urn)).toEqual(['x']);
  });

  test('that is closed drains first', async () => {
    const transport = scriptedTransport();
    transport.turns.push('away', 'away');
    const publisher = open(transport);
    const answers = ['x', 'y', 'z'].map((urn) => publisher.publish(change(urn)));
    expect(await publisher.close()).toEqual({ unacknowledged: 0 });
    expect(await Promise.all(answers)).toHaveLength(3);
  });
});
