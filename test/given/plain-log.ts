import type { LogRecord } from '../../src/domain/event.ts';
import type { LogHost } from '../../src/ports/event-log.ts';
import type { Epoch } from '../../src/streams/epochs.ts';
import type { PlainEpoch, PlainRecord } from './plain-reducer.ts';

/** A record as a plain consumer reads it: header names as texts, each with all its values. */
export function asPlain({ offset, appendTime, key, value, headers }: LogRecord): PlainRecord {
  const named = Map.groupBy(headers, ([name]) => Buffer.from(name).toString('utf8'));
  const bytes = (found: Uint8Array | null): Buffer | null => (found === null ? null : Buffer.from(found));
  return {
    ...{ offset, timestamp: appendTime, key: bytes(key), value: bytes(value) },
    headers: Object.fromEntries(
      [...named].map(([name, all]) => [name, all.map(([, content]) => bytes(content))]),
    ),
  };
}

/** Whole topics of some epochs, each up to where its epoch ended. */
export async function readPlainEpochs(host: LogHost, epochs: readonly Epoch[]): Promise<PlainEpoch[]> {
  const plain: PlainEpoch[] = [];
  for (const [n, epoch] of epochs.entries()) {
    await using log = await host.open(epoch);
    await using reader = await log.reader(null);
    const records: PlainRecord[][] = [];
    for (const [partition, { end }] of (await log.bounds()).entries()) {
      const until = epochs[n + 1]?.previous?.next[partition] ?? end;
      const lane = reader.lane(partition, 0);
      const own: PlainRecord[] = [];
      while (own.length < until)
        own.push(...(await lane.pull(AbortSignal.timeout(10_000))).records.map(asPlain));
      records.push(own.slice(0, until));
    }
    plain.push({ epoch: epoch.epoch, records });
  }
  return plain;
}
