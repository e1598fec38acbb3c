import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileLogHost } from '../../src/adapters/file-log/event-log.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { LogRecord } from '../../src/domain/event.ts';
import { formatPosition } from '../../src/domain/position.ts';
import { decodeEvent } from '../../src/formats/event.ts';
import { unframe } from '../../src/formats/framing.ts';
import type { EventLog, LogHost } from '../../src/ports/event-log.ts';
import { readRecord } from '../../src/projections/read-record.ts';
import { aChange, anIntake, idOf, resultsOf, submitJson } from '../given/intake.ts';

const topic = { epoch: 3, topic: 'annal.e3', partitions: 3 };
let dir: string;
let host: LogHost;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'annal-intake-'));
  host = fileLogHost({ dir });
  await host.create(topic);
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

async function everyRecord(log: EventLog): Promise<Map<string, LogRecord>> {
  const found = new Map<string, LogRecord>();
  await using reader = await log.reader('test');
  for (const [partition, { end }] of (await log.bounds()).entries()) {
    const lane = reader.lane(partition, 0);
    for (let next = 0; next < end; ) {
      const { records } = await lane.pull(new AbortController().signal);
      for (const record of records)
        found.set(formatPosition({ epoch: topic.epoch, partition, offset: record.offset }), record);
      next = records.at(-1)!.offset + 1;
    }
  }
  return found;
}

test('on the file log: what is acknowledged stands at its position, and a repeat tells it after a restart', async () => {
  const batch = (from: number) =>
    Array.from({ length: 50 }, (_, i) =>
      aChange({ id: idOf(from + i), urn: `urn:li:tag:t${(from + i) % 97}` }),
    );
  const batches = Array.from({ length: 8 }, (_, b) => batch(b * 50));
  const positions = new Map<string, string>();
  {
    await using log = await host.open(topic);
    await using intake = await anIntake({ log, clock: systemClock, deadlineMs: 20_000 });
    const submitted = await Promise.all(batches.map((events) => submitJson(intake, events)));
    for (const result of submitted.flatMap(resultsOf)) {
      if (result.status !== 'appended') throw new Error(JSON.stringify(result));
      positions.set(result.id, formatPosition(result.position));
    }
    const records = await everyRecord(log);
    expect(records.size).toBe(400);
    for (const [id, position] of positions) {
      const record = records.get(position)!;
      const [, partition] = position.split('-').map(Number);
      const place = { epoch: 3, partition: partition!, partitions: 3 };
      expect(readRecord(record, place, 0, () => undefined)).toMatchObject({ kind: 'event', event: { id } });
      expect(decodeEvent(unframe(record.value!)).id).toBe(id);
    }
  }
  await using log = await host.open(topic);
  await using intake = await anIntake({ log, clock: systemClock, deadlineMs: 20_000 });
  for (const events of batches)
    for (const result of resultsOf(await submitJson(intake, events))) {
      if (result.status !== 'appended') throw new Error(JSON.stringify(result));
      expect(result.repeated).toBe(true);
      expect(formatPosition(result.position)).toBe(positions.get(result.id));
    }
  expect((await log.bounds()).reduce((sum, { end }) => sum + end, 0)).toBe(400);
});
