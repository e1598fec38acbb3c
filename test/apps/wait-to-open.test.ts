import { expect, test } from 'vitest';
import { openWhenThere } from '../../src/apps/wait-to-open.ts';
import { Fault } from '../../src/domain/fault.ts';
import { freePorts } from '../services/native/ports.ts';

const http = { bind: '127.0.0.1', port: 0, portFirm: false };
const away = () => new Fault('LOG_UNAVAILABLE', { broker: 'broker-1:9092' });

test('what is away is waited for; meanwhile the process lives and is not ready, and says why', {
  timeout: 8_000,
}, async () => {
  const told: Record<string, unknown>[] = [];
  const there = Promise.withResolvers<void>();
  let tries = 0;
  const opening = openWhenThere(
    async () => {
      tries += 1;
      if (tries === 1) throw away();
      await there.promise;
      return 'opened';
    },
    {
      ...{ http, detailed: true, signal: new AbortController().signal },
      say: (level, what, facts) => void told.push({ level, what, ...facts }),
    },
  );
  await expect.poll(() => tries, { timeout: 5_000 }).toBe(2);
  expect(told).toEqual([
    expect.objectContaining({ level: 'warn', what: 'waiting to open', code: 'LOG_UNAVAILABLE', tries: 1 }),
  ]);
  there.resolve();
  const { opened, port } = await opening;
  expect(opened).toBe('opened');
  expect(port).toBeGreaterThan(0);
});

test.each([
  [true, /broker-1/],
  [false, /^the log cannot be reached$/],
])('probes while it waits, addresses told: %s', { timeout: 5_000 }, async (detailed, detail) => {
  const stop = new AbortController();
  const taken = Promise.withResolvers<number>();
  const asked = new Promise<[Response, Response]>((resolve, reject) => {
    taken.promise
      .then(async (port) => {
        const at = `http://127.0.0.1:${port}`;
        resolve([await fetch(`${at}/livez`), await fetch(`${at}/readyz`)]);
      })
      .catch(reject);
  });
  const [port] = await freePorts(1);
  const opening = openWhenThere(() => Promise.reject(away()), {
    ...{ http: { ...http, port: port! }, detailed, signal: stop.signal },
    say: () => taken.resolve(port!),
  });
  const [live, ready] = await asked;
  expect([live.status, ready.status]).toEqual([200, 503]);
  expect(await ready.json()).toEqual({
    ready: false,
    reasons: [{ code: 'LOG_UNAVAILABLE', detail: expect.stringMatching(detail) }],
  });
  stop.abort(new Error('told to stop'));
  await expect(opening).rejects.toThrow('told to stop');
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
});

test('what waiting does not cure is told at once', async () => {
  const opening = openWhenThere(() => Promise.reject(new Fault('TOPIC_MISSING', {})), {
    ...{ http, detailed: true, signal: new AbortController().signal, say: () => undefined },
  });
  await expect(opening).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
});
