import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../src/client/change.ts';
import { publishAll } from '../../src/client/publish-all.ts';
import { isPublishError } from '../../src/client/publish-error.ts';
import { openPublisher, type Publisher } from '../../src/client/publisher.ts';
import type { Transport } from '../../src/client/transport.ts';
import { collected } from '../given/collected.ts';
import { lossy } from '../given/scripted-transport.ts';

/** An event as the log tells it. */
export interface LoggedEvent {
  readonly urn: string;
  readonly aspect: string;
  readonly id: string;
  readonly outcome: string;
  readonly [member: string]: unknown;
}

export interface PublisherWorld {
  transport(): Transport;
  /** Events of these entities, oldest first, once `enough` holds of them. */
  logged(
    urns: readonly string[],
    enough: (events: readonly LoggedEvent[]) => boolean,
  ): Promise<readonly LoggedEvent[]>;
}

const urnOf = (name: string): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`;
const fresh = (): string => urnOf(`t${randomUUID().replaceAll('-', '')}`);
const named = (urn: string, name: string, more: Partial<Change> = {}): Change => ({
  ...{ urn, aspect: 'datasetProperties', value: { name } },
  ...more,
});
const nameOf = (event: LoggedEvent): unknown => (event.value as { name?: unknown } | undefined)?.name;
const backoff = { firstMs: 1, mostMs: 10 };

/** Laws of publishing, whatever the way. The world stands as long as the tests of `describe`. */
export function publisherContract(way: string, world: () => PublisherWorld): void {
  const published = (transport: Transport): Publisher => openPublisher({ transport, backoff });

  describe(`publishing by ${way}`, () => {
    test('what is acknowledged comes into the log as it was meant', async () => {
      const [urn, group] = [fresh(), randomUUID()];
      await using publisher = published(world().transport());
      const source = { plugin: 'contract', version: '2', runId: 'r', foreign: { table: 'a' } };
      const actor = 'urn:li:corpuser:u1';
      const answer = await publisher.publish(named(urn, 'é', { group, source, actor, correlationId: 'c' }));
      expect(answer).toMatchObject({ urn, aspect: 'datasetProperties', repeated: false });
      const [event] = await world().logged([urn], ({ length }) => length === 1);
      expect(event).toMatchObject({ id: answer.id, outcome: 'applied', group, source, actor });
      expect(event).toMatchObject({ correlationId: 'c', change: 'UPSERT', value: { name: 'é' } });
    });

    test('a change whose answer is lost goes again under its id, and has its effect once', async () => {
      const urns = Array.from({ length: 20 }, fresh);
      await using publisher = published(lossy(world().transport(), ['lose', 'away', 'lose']));
      const answers = await Promise.all(urns.map((urn) => publisher.publish(named(urn, 'once'))));
      const events = await world().logged(urns, ({ length }) => length >= urns.length);
      const effects = events.filter(({ outcome }) => outcome === 'applied');
      expect(effects.map(({ urn }) => urn).sort()).toEqual([...urns].sort());
      expect(new Set(events.map(({ id }) => id))).toEqual(new Set(answers.map(({ id }) => id)));
    });

    test('changes of one aspect keep their order, whatever is lost between them', async () => {
      const [urn, other] = [fresh(), fresh()];
      const names = Array.from({ length: 12 }, (_, n) => `n${n}`);
      await using publisher = published(lossy(world().transport(), ['take', 'lose', 'away', 'take', 'lose']));
      const changes = names.flatMap((name) => [named(urn, name), named(other, name)]);
      await Promise.all(changes.map((change) => publisher.publish(change)));
      const events = await world().logged([urn, other], ({ length }) => length >= changes.length);
      for (const one of [urn, other])
        expect(
          events.filter(({ urn: of, outcome }) => of === one && outcome === 'applied').map(nameOf),
        ).toEqual(names);
    });

    test('what can never come in is refused with its code, and nothing beside it', async () => {
      const urn = fresh();
      const bad: readonly (readonly [code: string, change: Change])[] = [
        ['VALUE_TOO_LARGE', named(urn, 'x'.repeat(800_000))],
        ['URN_INVALID', named(urnOf('x'.repeat(600)), 'x')],
        ['EVENT_SHAPE', { urn, aspect: 'datasetProperties' }],
        ['EVENT_SHAPE', { urn, value: {} }],
        ['EVENT_SHAPE', named(urn, 'x', { id: 'no uuid' })],
        ['EVENT_SHAPE', { urn, change: 'DELETE', value: {} }],
      ];
      await using publisher = published(world().transport());
      const changes = [named(urn, 'first'), ...bad.map(([, change]) => change), named(urn, 'last')];
      const outcomes = await collected(publishAll(publisher, changes));
      expect(outcomes.map((one) => ('refused' in one ? one.refused.code : 'published'))).toEqual([
        'published',
        ...bad.map(([code]) => code),
        'published',
      ]);
      const events = await world().logged([urn], ({ length }) => length === 2);
      expect(events.map(nameOf)).toEqual(['first', 'last']);
    });

    test('a change that expects another past has no effect', async () => {
      const urn = fresh();
      await using publisher = published(world().transport());
      for (const name of ['made', 'too late'])
        await publisher.publish(named(urn, name, { expect: 'absent' }));
      const events = await world().logged([urn], ({ length }) => length === 2);
      expect(events.map(({ outcome }) => outcome)).toEqual(['applied', 'conflict']);
    });

    test('a deletion is told apart by whether it is of an aspect or of the entity', async () => {
      const urn = fresh();
      await using publisher = published(world().transport());
      await publisher.publish(named(urn, 'here'));
      await publisher.publish({ urn, aspect: 'datasetProperties', change: 'DELETE' });
      await publisher.publish({ urn, change: 'DELETE' });
      const events = await world().logged([urn], ({ length }) => length === 3);
      expect(events.map(({ change, aspect }) => [change, aspect ?? null])).toEqual([
        ['UPSERT', 'datasetProperties'],
        ['DELETE', 'datasetProperties'],
        ['DELETE', null],
      ]);
    });

    test('what is left when a publisher has to close is counted, and told to whoever waits', async () => {
      const away = lossy(
        world().transport(),
        Array.from({ length: 10_000 }, () => 'away' as const),
      );
      const publisher = published(away);
      const waiting = publisher.publish(named(fresh(), 'x')).catch((error: unknown) => error);
      expect(await publisher.close(20)).toEqual({ unacknowledged: 1 });
      expect(isPublishError(await waiting, 'PUBLISHER_CLOSED')).toBe(true);
      await expect(publisher.publish(named(fresh(), 'x'))).rejects.toMatchObject({
        code: 'PUBLISHER_CLOSED',
      });
    });
  });
}
