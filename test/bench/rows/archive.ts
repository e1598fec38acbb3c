import { kafkaLogHost } from '../../../src/adapters/kafka/log-host.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { encodeEvent } from '../../../src/formats/event.ts';
import { partitionOf } from '../../../src/formats/partition.ts';
import type { NewRecord } from '../../../src/ports/event-log.ts';
import { eventHeaders } from '../../given/events.ts';
import { archivePartitions, benchEvent } from '../data.ts';
import { alternating, mebibytes, medianRatio, perSecond, seconds } from '../measure.ts';
import { told } from '../processes.ts';
import type { Row } from '../row.ts';

const perAppend = 1_500;
/** Of the bytes of a lane that make its seal due, so that each lane has one. */
const sealAt = 0.85;

interface Once {
  readonly events: number;
  /** Until all is archived. */
  readonly seconds: number;
  readonly rssMiB: number;
}

interface Archived extends Once {
  /** From then on until tiles and checkpoints are up to the end too. */
  readonly trailSeconds: number;
}

/** Fills a topic with events; answers the bytes of a lane's records, about. */
async function fillTopic(brokers: string, topic: string, events: number): Promise<number> {
  await using host = kafkaLogHost({
    brokers: brokers.split(','),
    clientId: 'annal-bench',
    clock: systemClock,
    retentionMs: -1,
  });
  const epoch = { epoch: 1, topic, partitions: archivePartitions };
  await host.create(epoch);
  await using log = await host.open(epoch);
  const headers = eventHeaders(1);
  const waiting: NewRecord[][] = Array.from({ length: archivePartitions }, () => []);
  const recordBytes = 90 + headers.reduce((sum, [name, value]) => sum + name.length + value!.length, 0);
  let bytes = 0;
  for (let n = 0; n < events; n += 1) {
    const event = benchEvent(n, events);
    const partition = partitionOf(event.urn, archivePartitions);
    const value = encodeEvent(event);
    bytes += recordBytes + value.length;
    const records = waiting[partition]!;
    if (records.push({ key: Buffer.from(event.urn), value, headers }) < perAppend) continue;
    await log.append(partition, records);
    waiting[partition] = [];
  }
  for (const [partition, records] of waiting.entries())
    if (records.length > 0) await log.append(partition, records);
  return bytes / archivePartitions;
}

export const archive: Row = {
  name: 'archive',
  about:
    'a Kafka topic of 32 partitions into Azure Blob, a seal of each lane included, beside fetching it raw with kafkajs',
  async run({ events, rounds, server }) {
    const [brokers, blob] = [await server('kafka'), await server('azurite')];
    const topic = 'annal-bench.e1';
    const laneBytes = await fillTopic(brokers, topic, events);
    const env = { BENCH_KAFKA: brokers, BENCH_TOPIC: topic, BENCH_EVENTS: String(events) };
    const ours = (prefix: string, more: Readonly<Record<string, string>>): Promise<Archived> =>
      told<Archived>(
        'test/bench/archive-once.ts',
        {
          ...{ ...env, ...more, BENCH_BLOB: blob, BENCH_PREFIX: prefix },
          BENCH_SEAL_BYTES: String(Math.floor(laneBytes * sealAt)),
        },
        'server',
      );
    const raw = (): Promise<Once> => told<Once>('test/bench/peers/raw-fetch.ts', env);
    const withTrees = (round: number): Promise<Archived> => ours(`trees-${round}`, { BENCH_TREES: 'yes' });
    const rates = (runs: readonly Once[]): number[] => runs.map((run) => run.events / run.seconds);
    const bare = await alternating(rounds, (round) => ours(`bare-${round}`, {}), raw);
    const whole = await alternating(rounds, withTrees, raw);
    return [
      {
        what: 'Kafka → Azure Blob, no hashes',
        measured: `${perSecond(rates(bare.a))} events`,
        beside: `raw fetch ${perSecond(rates(bare.b))}`,
        ratio: medianRatio(rates(bare.a), rates(bare.b)),
        target: '≥ 0.4',
      },
      {
        what: 'with leaves and trees',
        measured: `${perSecond(rates(whole.a))} events`,
        beside: `raw fetch ${perSecond(rates(whole.b))}`,
        ratio: medianRatio(rates(whole.a), rates(whole.b)),
        target: '≥ 0.25',
      },
      {
        what: 'tiles and checkpoints are behind that by',
        measured: seconds(whole.a.map(({ trailSeconds }) => trailSeconds)),
        target: '≤ 60 s',
      },
      {
        what: 'until those are there too',
        measured: `${perSecond(whole.a.map((run) => run.events / (run.seconds + run.trailSeconds)))} events`,
      },
      {
        what: 'peak RSS, with trees',
        measured: mebibytes(whole.a.map(({ rssMiB }) => rssMiB)),
        target: '≤ 512 MiB',
      },
    ];
  },
};
