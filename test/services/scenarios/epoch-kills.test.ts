import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/apps/config.ts';
import { allRoles, openAnnal } from '../../../src/apps/open-annal.ts';
import { eventSchemaSha256 } from '../../../src/formats/event.ts';
import { projections } from '../../../src/projections/registry.ts';
import type { TurnPoint } from '../../../src/streams/close-epoch.ts';
import { caughtUp } from '../../given/annal.ts';
import { readPlainEpochs } from '../../given/plain-log.ts';
import { plainFold } from '../../given/plain-reducer.ts';
import { type PlainDocument, plainRoot } from '../../given/plain-root.ts';
import { annal, spawned } from './annal-process.ts';

const points: readonly TurnPoint[] = [
  ...(['topic-made', 'closing-written', 'drained', 'archived', 'sealed', 'opened'] as const),
];

interface Acknowledged {
  readonly id: string;
  readonly urn: string;
  readonly position: string;
}

const acknowledgedIn = (stdout: string): Acknowledged[] =>
  // The last line may be torn.
  [...stdout.matchAll(/^(\S+) (\S+) (\d+-\d+-\d+)\n/gm)].map(([, id, urn, position]) => ({
    ...{ id: id!, urn: urn!, position: position! },
  }));

test('killed at every point of a turn while it publishes, gone on with: what was acknowledged is folded, in its order', {
  timeout: 240_000,
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'annal-turns-'));
  const env = { ANNAL_DATA: dir, ANNAL_PORT: '0', ANNAL_PARTITIONS: '2' };
  const acknowledged: Acknowledged[] = [];
  try {
    for (const [n, point] of points.entries()) {
      const partitions = String(3 + (n % 3));
      const { ended } = spawned('test/services/scenarios/turning-process.ts', [point, partitions], env);
      const killed = await ended;
      expect(killed, killed.stderr).toMatchObject({ code: null, signal: 'SIGKILL' });
      acknowledged.push(...acknowledgedIn(killed.stdout));
      const turn = [
        'epoch',
        'open',
        '--after',
        String(n + 1),
        '--partitions',
        partitions,
        '--yes',
        '-o',
        'json',
      ];
      const gone = await annal(turn, env);
      expect(gone.code, gone.stderr).toBe(0);
      expect(JSON.parse(gone.stdout)).toMatchObject({ epoch: n + 1, opened: { epoch: n + 2 } });
    }
    // Both sides of each turn took events in.
    const epochs = new Set(acknowledged.map(({ position }) => position.split('-')[0]));
    expect(epochs.size).toBeGreaterThanOrEqual(points.length);

    await using opened = await openAnnal({ config: readConfig(env), roles: allRoles, say: () => undefined });
    await caughtUp(opened);
    expect(opened.runtime.epochs).toHaveLength(points.length + 1);
    const plain = plainFold(
      await readPlainEpochs(opened.ports.logHost, opened.runtime.epochs),
      eventSchemaSha256,
    );
    for (const { definition } of projections) {
      const index = await opened.runtime.model.serving(definition);
      const found: PlainDocument[] = [];
      for await (const documents of index!.scan()) found.push(...documents);
      expect(plainRoot(found)).toBe(
        plainRoot(plain[definition.projection as 'entities' | 'history' | 'edges']),
      );
    }
    const appliedAt = new Map<string, string>();
    for (const { body } of plain.history) {
      const { id, outcome, position } = JSON.parse(body.toString('utf8')) as Record<string, string>;
      if (outcome === 'applied') appliedAt.set(id!, position!);
    }
    for (const [urn, own] of Map.groupBy(acknowledged, (event) => event.urn)) {
      const positions = own.map(({ id }) => (appliedAt.get(id) ?? 'lost').split('-').map(Number));
      const places = positions.map(([epoch, , offset]) => epoch! * 2 ** 44 + offset!);
      expect(places, urn).toEqual(places.toSorted((a, b) => a - b));
      expect(places.every(Number.isFinite), urn).toBe(true);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
