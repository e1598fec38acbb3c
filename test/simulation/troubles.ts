import { encodeSegment } from '../../src/formats/segment.ts';
import { clockJumpMs } from './plan.ts';
import { epoch, logName, type World } from './simulation.ts';

/** What happens to the world besides what befalls calls: all of it before it is mended. */
export function troubles(world: World): void {
  const { plan, random } = world;
  const when = (): number => random.between(0, plan.healedAt - 1);
  const times = (count: number, act: () => void): void => {
    for (let n = 0; n < count; n += 1) world.time.after(when(), act);
  };
  for (let partition = 0; partition < plan.partitions; partition += 1)
    times(plan.appends, () => produce(world, partition));
  times(plan.trims, () => trim(world));
  times(plan.clockJumps, () => jump(world));
  times(plan.rebalances, () => rebalance(world));
  times(plan.terminations, () => terminate(world));
  if (plan.remadeAt !== undefined) world.time.after(plan.remadeAt, () => remake(world));
  if (plan.strangerAt !== undefined && plan.remadeAt === undefined)
    world.time.after(plan.strangerAt, () => stranger(world));
}

function produce(world: World, partition: number): void {
  const { plan, random, cover } = world;
  const skipped = random.chance(plan.sparsePart) ? random.between(1, 9) : 0;
  if (skipped > 0) cover('offsets are left out');
  world.append(partition, random.between(1, plan.recordsMax), skipped);
}

/** Retention takes the head, archived or not, also in the midst of offsets that nobody got. */
function trim({ random, topic, lanes, time, cover }: World): void {
  const partition = random.below(topic.partitions);
  const { first, end } = topic.bounds()[partition]!;
  if (end === first) return;
  const before = random.between(first + 1, end);
  if (before > lanes[partition]!.next) cover('retention overruns the archive');
  time.tell(`log ${partition}: forgets all before ${before}`);
  topic.trim(partition, before);
}

function jump({ random, replicas, time, cover }: World): void {
  const { process } = random.pick(replicas);
  const byMs = random.pick(clockJumpMs);
  cover(byMs < 0 ? 'a clock goes back' : 'a clock goes ahead');
  time.tell(`${process.name}: its clock moves by ${byMs}`);
  process.skew(byMs);
}

function rebalance({ random, replicas, topic, time, cover }: World): void {
  const replica = random.pick(replicas);
  const all = Array.from({ length: topic.partitions }, (_, at) => at);
  const taken = random.pick(all);
  cover('a partition is taken away');
  time.tell(`${replica.process.name}: ${taken} is taken away`);
  replica.hold(new Set(all.filter((one) => one !== taken)));
  time.after(random.between(10, 3_000), () => replica.hold(new Set(all)));
}

function terminate({ random, replicas, cover }: World): void {
  const replica = random.pick(replicas);
  if (replica.process.state === 'up') cover('an archiver is told to stop');
  replica.stop();
}

/** The topic is made again, and holds other records at the same offsets. */
function remake(world: World): void {
  const { topic, time, random, cover, plan, doubtful } = world;
  time.tell('the topic is made again');
  cover('the topic is made again');
  world.remake();
  for (let partition = 0; partition < topic.partitions; partition += 1) {
    doubtful.add(partition);
    if (random.chance(0.7)) world.append(partition, random.between(1, plan.recordsMax * 10), 0);
  }
}

/** Another writer, of another log: a segment under the next name, with other records. */
function stranger({ random, lanes, blobs, time, cover, doubtful, strange }: World): void {
  const partition = random.below(lanes.length);
  strange.add(partition);
  const { path, chainNext: first } = lanes[partition]!;
  time.tell(`a stranger writes a segment at ${first} of ${path}`);
  cover('a stranger writes a segment');
  doubtful.add(partition);
  const records = Array.from({ length: random.between(1, 6) }, (_, at) => ({
    ...{ offset: first + at, appendTime: 0, key: null, headers: [] },
    value: Buffer.from('of another log'),
  }));
  const file = encodeSegment({ topic: logName, epoch, partition }, records);
  const { watcher } = blobs;
  // Nobody looks: the laws are about what archivers do.
  blobs.watcher = undefined;
  blobs.create(`segments/${path}/${String(first).padStart(20, '0')}.avro`, file);
  blobs.watcher = watcher;
}
