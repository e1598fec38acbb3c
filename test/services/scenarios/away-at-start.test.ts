import { expect, test } from 'vitest';
import { tcpProxy } from '../adapters/kafka/tcp-proxy.ts';
import { addresses } from '../addresses.ts';
import { freePorts } from '../native/ports.ts';
import { annal, spawned } from './annal-process.ts';
import { ownProfile } from './own-profile.ts';
import { eventually } from './progress.ts';

const asked = async (url: string): Promise<{ status: number; body: Record<string, unknown> } | undefined> => {
  const answer = await fetch(url).catch(() => undefined); // Nobody listens yet, or any more.
  return answer && { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

test('a part that starts before its broker lives, says what it waits for, less and less often, and begins when it is there', async () => {
  const [host, port] = addresses().kafkaBrokers[0]!.split(':') as [string, string];
  await using way = await tcpProxy(host, Number(port));
  await using profile = await ownProfile();
  expect(await annal(['init', '--partitions', '1'], profile.env)).toMatchObject({ code: 0 });
  await way.refuse();
  const [own] = await freePorts(1);
  const broker = `127.0.0.1:${way.port}`;
  const env = { ...profile.env, ANNAL_KAFKA_BROKERS: broker, ANNAL_PORT: String(own) };
  const { child, ended, stderr } = spawned('src/apps/cli/main.ts', ['run', 'archiver'], env);
  try {
    const at = `http://127.0.0.1:${own}`;
    const waits = () => stderr().match(/"msg":"waiting to open"/g)?.length ?? 0;
    await eventually('some tries', 60_000, async () => (waits() >= 3 ? true : undefined));
    expect(await asked(`${at}/livez`)).toEqual({ status: 200, body: { live: true } });
    const ready = await asked(`${at}/readyz`);
    expect(ready).toMatchObject({ status: 503, body: { reasons: [{ code: 'LOG_UNAVAILABLE' }] } });
    expect(JSON.stringify(ready)).toContain(broker);
    const delays = [...stderr().matchAll(/"nextMs":(\d+)/g)].map(([, wait]) => Number(wait));
    for (const [i, wait] of delays.entries()) {
      expect(wait).toBeGreaterThanOrEqual(250 * 2 ** i);
      expect(wait).toBeLessThanOrEqual(500 * 2 ** i);
    }
    await way.restore();
    await eventually('ready at the same port', 60_000, async () =>
      (await asked(`${at}/readyz`))?.status === 200 ? true : undefined,
    );
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0 });
  } finally {
    child.kill('SIGKILL');
  }
});

test('a part that waits for its broker leaves at once when it is told to', async () => {
  await using profile = await ownProfile({ ANNAL_KAFKA_BROKERS: '127.0.0.1:9' });
  const { child, ended, stderr } = spawned('src/apps/cli/main.ts', ['run', 'projector'], profile.env);
  try {
    await eventually('a try', 60_000, async () =>
      stderr().includes('"waiting to open"') ? true : undefined,
    );
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 130 });
  } finally {
    child.kill('SIGKILL');
  }
});
