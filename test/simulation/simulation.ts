import { formatSkey, parseSkey } from '../../src/formats/note-key.ts';
import { encodeRecord } from '../../src/formats/segment.ts';
import type { ArchiveStatus } from '../../src/streams/archiver.ts';
import { baseFaults } from './base-laws.ts';
import { blobs as newBlobs } from './blobs.ts';
import { topic as newTopic, type Topic } from './broker.ts';
import { cutLaws } from './cut-laws.ts';
import { fatesFrom } from './fates.ts';
import { type Acknowledged, type LaneLaws, laneLaws } from './lane-laws.ts';
import { finalFaults, laws, noteCheck } from './laws.ts';
import { type Plan, planOf } from './plan.ts';
import { type Replica, startReplica } from './replica.ts';
import type { Acting } from './sim-process.ts';
import { eventOf, foreign } from './sim-records.ts';
import { timeline } from './timeline.ts';
import { troubles } from './troubles.ts';

/** What became of a seed. */
export interface Run {
  readonly seed: number;
  /** Laws that were broken, as they were: none is as it has to be. */
  readonly broken: readonly string[];
  /** Fates and cases that were seen. */
  readonly covered: ReadonlySet<string>;
  readonly steps: number;
  /** Of all that happened, in order. */
  readonly hash: string;
}

export const logId = '019a9f00-0000-7000-8000-0000000000aa';
export const logName = 'annal';
export const epoch = 1;
const signer = parseSkey(formatSkey(`annal/${logId}`, Buffer.alloc(32, 7)));
/**
 * Nothing keeps a lane from the log's end for longer, once nothing goes wrong any more; where each record is flushed and sealed
 * alone, and writers take turns, each takes its time.
 */
const catchUpMs = 20_000;
const recordMs = 1_000;
/** Long enough to see that a log is another one. */
const doubtMs = 5_000;
/** A lease that runs out, the next look, a tree that trails, and a cut. */
const publishedMs = 15_000;
const enough = 5;

/** Runs the archiver as the seed has it. `onLine` is told each step. */
export async function simulate(seed: number, onLine?: (line: string) => void): Promise<Run> {
  const plan = planOf(seed);
  const world = openWorld(plan, onLine);
  const onRejection = (reason: unknown): void => world.broken(`nobody hears of ${textOf(reason)}`);
  process.on('unhandledRejection', onRejection);
  try {
    await story(plan, world);
  } catch (error) {
    world.broken(textOf(error));
  } finally {
    // Rejections that nobody heard are told by then.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onRejection);
  }
  const { time, covered, faults } = world;
  return { seed, broken: faults, covered, steps: time.steps, hash: time.hash() };
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? String(error)) : String(error);

export type World = ReturnType<typeof openWorld>;

function openWorld(plan: Plan, onLine: ((line: string) => void) | undefined) {
  const time = timeline(onLine);
  const faults: string[] = [];
  const covered = new Set<string>();
  const blobs = newBlobs();
  const topic: Topic = newTopic(plan.partitions);
  /** By partition, then by how often the topic was made. */
  const given: Map<number, Buffer>[][] = Array.from({ length: plan.partitions }, () => [new Map()]);
  /** Where topics that are gone started, when they went. */
  const forgotten: number[][] = [];
  const fates = fatesFrom(plan.random, { ...plan, part: plan.faultPart });
  const broken = (what: string): void => {
    time.tell(`BROKEN ${what}`);
    if (faults.length < enough) faults.push(`${time.now} ms: ${what}`);
  };
  const cover = (cell: string): void => void covered.add(cell);
  const lanes = given.map((made, partition) => {
    const log = (): readonly Acknowledged[] =>
      made.map((records, at) => ({
        records,
        first: at < made.length - 1 ? forgotten[at]![partition]! : topic.bounds()[partition]!.first,
      }));
    return laneLaws({ topic: logName, epoch, partition }, log, broken, cover);
  });
  const doubtful = new Set<number>();
  const strange = new Set<number>();
  const isStrange = (lane: LaneLaws): boolean => strange.has(lanes.indexOf(lane));
  const isSigned = noteCheck(signer.vkey);
  const cuts = cutLaws({ lanes, log: logId, topic: logName, epoch, isSigned, broken, cover, isStrange });
  blobs.watcher = laws({
    ...{ lanes, cuts, log: logId, isSigned, broken, cover, isStrange },
    acting: () => world.acting,
  });
  let produced = 0;
  const world = {
    ...{ plan, time, faults, covered, blobs, topic, lanes, cuts, fates, broken, cover, signer },
    random: plan.random,
    acting: undefined as Acting | undefined,
    /** Nothing goes wrong any more, and nobody is started again. */
    isHealed: false,
    replicas: [] as Replica[],
    /** Partitions whose archive or log may not be what it was: lanes may stop, and where it is not they have to. */
    doubtful,
    /** Of those: where another writer left a segment. */
    strange,
    append(partition: number, count: number, skipped: number): void {
      const records = Array.from({ length: count }, () => {
        produced += 1;
        return produced % 4 === 0 ? foreign(produced) : eventOf(produced, partition, plan.partitions);
      });
      const first = topic.append(partition, records, 1_763_600_000_000 + time.now, skipped);
      const kept = given[partition]!.at(-1)!;
      for (const [at, record] of records.entries()) {
        const one = { ...record, offset: first + at, appendTime: 1_763_600_000_000 + time.now };
        kept.set(one.offset, encodeRecord(one));
      }
      time.tell(`log ${partition}: ${count} records from ${first}`);
    },
    remake(): void {
      forgotten.push(topic.bounds().map(({ first }) => first));
      topic.remake();
      for (const made of given) made.push(new Map());
    },
  };
  return world;
}

async function story(plan: Plan, world: World): Promise<void> {
  const { time, topic, lanes, fates, broken, replicas, doubtful } = world;
  for (let slot = 0; slot < plan.archivers; slot += 1) startReplica(world, `a${slot}`);
  troubles(world);
  await time.run(() => time.now >= plan.healedAt);
  time.tell('all is well from here on');
  fates.calm();
  world.isHealed = true;
  for (const { process } of replicas) process.resume();
  const ends = (): number[] => topic.bounds().map(({ end }) => end);
  const healed = time.now;
  const behind = (): number =>
    lanes.reduce((sum, { next }, at) => sum + (doubtful.has(at) ? 0 : ends()[at]! - next), 0);
  const mostMs = catchUpMs + recordMs * behind();
  await time.run(() => time.now >= healed + 1_000 && (behind() === 0 || time.now >= healed + mostMs));
  if (behind() > 0 && replicas.some((one) => one.isWell()))
    broken(`${mostMs} ms after all was well ${lanes.map(({ next }) => next)} is archived of ${ends()}`);

  for (const one of replicas) one.stop();
  await time.run(() => replicas.every((one) => one.isOver()));
  for (const one of replicas) if (!one.isOver()) broken(`${one.process.name} does not stop`);

  const last = startReplica(world, 'last', { signMs: 0 });
  const outcome = last.reach(ends());
  const asked = time.now;
  await time.run(() => outcome.is !== 'open' && (doubtful.size === 0 || time.now > asked + doubtMs));
  if (doubtful.size === 0 && outcome.is !== 'done') broken(`the last archiver: ${outcome.is}`);
  await published(world);
  const told = last.status();
  last.stop();
  await time.run(() => false);
  if (!last.isOver()) broken('the last archiver does not stop');
  for (const partition of lanes.keys()) judge(world, partition, told[partition]!);
}

/** A cut comes that says all that is archived; it is signed, and its tree is whole. */
async function published({ time, lanes, cuts, doubtful, broken }: World): Promise<void> {
  if (doubtful.size > 0) return;
  const asked = time.now;
  const isSaid = (): boolean => lanes.every(({ next }, at) => cuts.next[at] === next);
  const isWhole = (): boolean => isSaid() && cuts.stored === cuts.size && cuts.signed === cuts.size;
  await time.run(() => isWhole() || time.now > asked + publishedMs);
  if (!isWhole())
    broken(
      `${publishedMs} ms later cut ${cuts.next} of ${lanes.map(({ next }) => next)}: ${cuts.size} cuts, ${cuts.stored} stored, ${cuts.signed} signed`,
    );
}

/** What has to hold of a lane when nobody writes any more. */
function judge(world: World, partition: number, { state, fault }: ArchiveStatus): void {
  const { lanes, topic, blobs, broken, doubtful, cover } = world;
  const lane = lanes[partition]!;
  const { end } = topic.bounds()[partition]!;
  const isOther = lane.endsWithRecord ? lane.made < topic.made - 1 : lane.next > end;
  if (doubtful.has(partition) && (isOther || topic.made === 1)) {
    if (state !== 'halted') broken(`lane ${partition} goes on with another log (${state})`);
    else cover(`a lane stops: ${fault?.code}`);
    return;
  }
  if (lane.next !== end) broken(`lane ${partition}: ${lane.next} of ${end} are archived`);
  for (const missing of [...finalFaults(blobs, lane), ...baseFaults(blobs, lane.path)]) broken(missing);
}
