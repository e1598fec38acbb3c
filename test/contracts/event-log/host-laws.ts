import { describe, expect, test } from 'vitest';
import { code, newTopic, type Under } from './given.ts';

export function hostLaws(under: Under): void {
  describe('host', () => {
    test('a topic is made once', async () => {
      const topic = newTopic(2);
      expect(await under().host.create(topic)).toBe('created');
      expect(await under().host.create(topic)).toBe('exists');
      expect(await under().host.create({ ...topic, partitions: 3 })).toBe('exists');
      await using log = await under().host.open(topic);
      expect([log.epoch, log.partitions]).toEqual([1, 2]);
    });

    test('the number of partitions is told for a topic that somebody made', async () => {
      const topic = newTopic(3);
      expect(await code(under().host.partitions(topic.topic))).toBe('TOPIC_MISSING');
      await under().host.create(topic);
      expect(await under().host.partitions(topic.topic)).toBe(3);
    });

    test('a topic nobody made is missing', async () => {
      expect(await code(under().host.open(newTopic(1)))).toBe('TOPIC_MISSING');
    });

    test('a topic with another number of partitions is not the one meant', async () => {
      const topic = newTopic(2);
      await under().host.create(topic);
      expect(await code(under().host.open({ ...topic, partitions: 3 }))).toBe('TOPIC_MISMATCH');
    });

    test('a topic the host made has no wrong setting', async () => {
      const topic = newTopic(1);
      await under().host.create(topic);
      expect((await under().host.audit(topic)).faults).toEqual([]);
    });
  });
}
