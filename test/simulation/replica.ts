import type { Batch } from '../../src/ports/event-log.ts';
import {
  type ArchiveNotice,
  type Archiver,
  type ArchiveStatus,
  startArchiver,
} from '../../src/streams/archiver.ts';
import { keptTails } from '../../src/streams/kept-tails.ts';
import type { TreeLimits } from '../../src/streams/lane-tree.ts';
import { type CutNotice, publishCuts } from '../../src/streams/publish-cuts.ts';
import { simArchive } from './archive-store.ts';
import { simLog } from './event-log.ts';
import { type SimProcess, simProcess } from './sim-process.ts';
import { epoch, logId, logName, type World } from './simulation.ts';
import { metaProbe } from './steps.ts';

/** One archiver: a process with all that is in its memory. It is started again after it died. */
export interface Replica {
  readonly process: SimProcess;
  /** It runs, and no lane of it has halted. */
  isWell(): boolean;
  status(): readonly ArchiveStatus[];
  /** As SIGTERM: it flushes what it has, then ends. */
  stop(): void;
  isOver(): boolean;
  reach(next: readonly number[]): { is: string };
  /** The group gives it these partitions. */
  hold(partitions: ReadonlySet<number>): void;
}

const pageMax = 7;
/** As long as some looks: whoever died or sleeps is soon followed. */
const leaseLastsMs = 2_000;
const restartMs = { least: 50, most: 4_000 };

export function startReplica(
  world: World,
  slot: string,
  limits: Partial<TreeLimits> = {},
  life = 1,
): Replica {
  const { plan, time, random, blobs, topic, broken } = world;
  const again = (): void => {
    time.after(random.between(restartMs.least, restartMs.most), () => {
      if (!world.isHealed) startReplica(world, slot, limits, life + 1);
    });
  };
  const skew = random.chance(0.2) ? random.between(-5_000, 5_000) : 0;
  const process = simProcess(`${slot}.${life}`, world, again, skew);
  const members = new Set<(held: ReadonlySet<number>) => void>();
  const everything = new Set(Array.from({ length: plan.partitions }, (_, at) => at));
  let held: ReadonlySet<number> = everything;
  let over = false;
  let stopping = false;

  const leases = { lastsMs: leaseLastsMs, now: () => time.now };
  const store = simArchive({ blobs, wire: process, pageMax, leases });
  const archiver: Archiver = startArchiver({
    store,
    log: simLog({
      ...{ topic, epoch, wire: process },
      world: {
        join(member) {
          members.add(member);
          return held;
        },
        carried: (batch) => carried(world, batch),
      },
    }),
    ...{
      clock: process.clock,
      limits: plan.limits,
      tails: keptTails(plan.keptBytes),
      retryMs: plan.retryMs,
      name: logName,
      group: 'archivers',
    },
    trees: { log: logId, signer: world.signer, limits: { ...plan.trees, ...limits } },
    probe: (point) => process.probe(point),
    onNotice: (notice) => heard(world, process, notice),
  });
  const publisher = publishCuts({
    ...{ store, clock: process.clock, log: logId, name: logName, epoch, partitions: plan.partitions },
    ...{ signer: world.signer, signMs: limits.signMs ?? plan.trees.signMs, ...plan.cuts },
    probe: (point) => process.probe(metaProbe(point)),
    onNotice: (notice) => heardOfCuts(world, process, notice),
  });
  async function stopAll(): Promise<void> {
    await publisher.stop();
    await archiver.stop();
  }

  const replica: Replica = {
    process,
    isWell: () =>
      process.state === 'up' && !stopping && archiver.status().every(({ state }) => state !== 'halted'),
    status: () => archiver.status(),
    stop() {
      if (process.state === 'dead' || stopping) return;
      stopping = true;
      time.tell(`${process.name} is told to stop`);
      process.deliver(() => {
        stopAll().then(
          () => {
            over = true;
            time.tell(`${process.name} has stopped`);
            again();
          },
          (error: unknown) => broken(`${process.name} ends with ${String(error)}`),
        );
      });
    },
    isOver: () => over || process.state === 'dead',
    reach(next) {
      const outcome = { is: 'open' };
      archiver.reach(next, new AbortController().signal).then(
        () => {
          outcome.is = 'done';
        },
        (error: unknown) => {
          outcome.is = String(error);
        },
      );
      return outcome;
    },
    hold(partitions) {
      held = partitions;
      for (const member of members) member(partitions);
    },
  };
  world.replicas.push(replica);
  return replica;
}

/** A connection that loses the first records of a batch without a word. */
function carried({ plan, random, cover }: World, batch: Batch): Batch {
  if (plan.skipPart === 0 || batch.records.length < 2 || !random.chance(plan.skipPart)) return batch;
  cover('a reader loses records on the way');
  return { ...batch, records: batch.records.slice(random.between(1, batch.records.length - 1)) };
}

function heardOfCuts({ time, broken }: World, { name }: SimProcess, notice: CutNotice): void {
  if (notice.kind === 'cut') {
    time.tell(`${name} publishes cut ${notice.cut.index}`);
    return;
  }
  const { code, remedy, facts } = notice.fault;
  time.tell(`${name} fault of cuts: ${code} ${JSON.stringify(facts)}`);
  if (remedy !== 'retry') broken(`${name}: ${code} ${JSON.stringify(facts)} of cuts`);
}

function heard(world: World, { name }: SimProcess, notice: ArchiveNotice): void {
  const { time, lanes, broken, cover, doubtful, strange } = world;
  if (notice.kind === 'fault') {
    const { fault, partition } = notice;
    time.tell(`${name} fault in ${partition}: ${fault.code} ${JSON.stringify(fault.facts)}`);
    if (fault.remedy !== 'retry' && (partition === undefined || !doubtful.has(partition)))
      broken(
        `${name}: ${fault.code} ${JSON.stringify(fault.facts)} in lane ${partition}, and nothing is amiss`,
      );
    return;
  }
  const { partition } = notice;
  const lane = lanes[partition]!;
  if (notice.kind === 'yielded') cover('a writer yields');
  else {
    time.tell(`${name} ${notice.kind} in ${partition}: ${notice.next}`);
    if (notice.kind !== 'flushed') cover(`a ${notice.kind} is told`);
    if (notice.next > lane.next && !strange.has(partition))
      broken(`${name}: tells of ${notice.next}, ${lane.next} is durable`);
  }
}
