import type { LogRecord } from '../../src/domain/event.ts';
import { Fault, isFault } from '../../src/domain/fault.ts';
import { decodeEvent } from '../../src/formats/event.ts';
import { unframe } from '../../src/formats/framing.ts';
import { bridgeStore } from '../../src/intake/bridge-store.ts';
import { republishStragglers } from '../../src/intake/stragglers.ts';
import type { Intake } from '../../src/intake/submit.ts';
import type { ArchiveStore, StateStore, TruthStore } from '../../src/ports/archive.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { archiveLimits, openArchiveWriter } from '../../src/streams/archive-lane.ts';
import { closeEpoch } from '../../src/streams/close-epoch.ts';
import { type EpochEnd, openEpoch, readClosing } from '../../src/streams/epochs.ts';
import { historyLane } from '../../src/streams/history-lane.ts';
import { openNextEpoch } from '../../src/streams/next-epoch.ts';
import { seeded } from '../adapters/file-log/seeded.ts';
import { aChange, anIntake, resultsOf, submitJson } from './intake.ts';
import { manualClock } from './manual-clock.ts';
import { type MemoryState, memoryState } from './memory-state.ts';
import { type ScriptedLog, scriptedLog } from './scripted-log.ts';
import { anEpoch } from './world.ts';

export interface Simulated {
  /** Ids that were acknowledged, in the order in which their client heard of it. */
  readonly acknowledged: ReadonlyMap<string, readonly string[]>;
  /** Ids by URN as a fold reads them: the closed epoch to its end, then the open one; repeats left out. */
  readonly folded: ReadonlyMap<string, readonly string[]>;
  readonly end: EpochEnd;
  /** What came behind the end, and how often an append went unanswered or was refused. */
  readonly stragglers: number;
  readonly failures: number;
  /** Events that were acknowledged in the closed epoch and in the open one. */
  readonly ackedIn: readonly [number, number];
}

const [partitions, grown] = [2, 3];
const clients = 6;
/** No more than the fold remembers of a URN: an append may come as late as it likes. */
const eventsPerClient = 16;
const processes = 3;
const lateMs = 30_000;

/** Whoever appended is told how it went; the next one does not care. */
const settled = (): void => undefined;

/** Tail and truth in memory. */
function memoryArchive(): ArchiveStore & { readonly state: MemoryState } {
  const blobs = memoryState();
  const truth: TruthStore = {
    async create(name, bytes) {
      return (await blobs.write(name, bytes, null)) === 'changed' ? 'exists' : 'created';
    },
    read: async (name) => (await blobs.read(name))?.bytes,
    list: (prefix, after) => blobs.list(prefix, after),
  };
  const lease = async (): Promise<undefined> => undefined;
  return {
    truth,
    state: memoryState(),
    lease,
    place: 'memory',
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/**
 * Some processes take events in from clients that each send one after the other, again until they are acknowledged. Meanwhile
 * somebody closes the epoch and opens the next, with other partitions; each process goes over when it gets to it. Appends take
 * their time; some processes stand still in the middle of one, for minutes.
 */
export async function simulateTurn(seed: number): Promise<Simulated> {
  const random = seeded(seed);
  const clock = manualClock(0);
  const store = memoryArchive();
  const [first, second] = [scriptedLog({ partitions }), scriptedLog({ partitions: grown, epoch: 2 })];
  const epoch = await openEpoch(store.truth, anEpoch(1, partitions));
  const zombies = random.chance(0.7);
  /** Some callers hear even of what took very long. */
  const deadlineMs = random.chance(0.5) ? 20_000 : 300_000;
  const state = { failures: 0, over: false, opened: false };

  /** How long something takes: mostly a moment, at times seconds, for a process that stands still minutes. */
  const someMs = (): number =>
    zombies && random.chance(0.03)
      ? random.below(180_000)
      : random.chance(0.1)
        ? random.below(8_000)
        : random.below(200);
  const turns = new Map<EventLog, Promise<unknown>[]>();

  /** The log as one process reaches it. */
  function reached(log: ScriptedLog): EventLog {
    turns.set(log, turns.get(log) ?? Array.from({ length: log.partitions }, () => Promise.resolve()));
    const own = turns.get(log)!;
    return {
      ...log,
      async append(partition, records) {
        await clock.wait(someMs());
        // The broker takes one after the other.
        const appended = own[partition]!.then(() => log.append(partition, records));
        own[partition] = appended.then(settled, settled);
        const answer = await appended;
        await clock.wait(someMs());
        if (random.chance(0.03)) throw new Fault('APPEND_UNKNOWN', { partition });
        return answer;
      },
    };
  }

  const newIntake = (log: ScriptedLog): Promise<Intake> =>
    anIntake({
      ...{ log: reached(log), clock, deadlineMs },
      async isClosed() {
        await clock.wait(random.below(300));
        if (log === second) return false;
        return (await readClosing(store.truth, epoch)) !== undefined;
      },
    });

  const intakes = await Promise.all(Array.from({ length: processes }, () => newIntake(first)));
  const acknowledged = new Map<string, string[]>();
  const ackedIn: [number, number] = [0, 0];

  async function client(n: number): Promise<void> {
    const urn = `urn:li:tag:client${n}`;
    const acks: string[] = [];
    acknowledged.set(urn, acks);
    for (let event = 0; event < eventsPerClient; event += 1) {
      const id = `00000000-0000-7000-8000-${String(n).padStart(4, '0')}${String(event).padStart(8, '0')}`;
      for (;;) {
        const intake = intakes[random.below(processes)]!;
        const body = aChange({ urn, id, value: { removed: event % 2 === 0 } });
        const [result] = resultsOf(await submitJson(intake, body));
        if (result?.status === 'appended') {
          acks.push(id);
          ackedIn[result.position.epoch - 1]! += 1;
          break;
        }
        state.failures += 1;
        await clock.wait(random.below(1_000));
      }
      await clock.wait(random.below(7_000));
    }
  }

  async function archiveTo(next: readonly number[]): Promise<void> {
    for (const [partition, end] of next.entries()) {
      const context = { store, clock, limits: archiveLimits };
      const writer = await openArchiveWriter(context, { topic: epoch.name, epoch: 1, partition });
      for (const record of first.records[partition]!.slice(writer.next, end)) writer.add(record);
      await writer.flush();
    }
  }

  async function operator(): Promise<EpochEnd> {
    await clock.wait(random.below(40_000));
    const drain = async (): Promise<void> => undefined;
    const world = { store, clock, epoch, log: first, lateMs, drain, archiveTo, onPhase: () => undefined };
    for (;;) {
      try {
        const end = await closeEpoch(world, new AbortController().signal);
        const openedAt = new Date(clock.now()).toISOString();
        await openNextEpoch(store.truth, epoch, end, { partitions: grown, openedAt });
        state.opened = true;
        return end;
      } catch (error) {
        if (!isFault(error, 'EPOCH_BUSY')) throw error;
      }
    }
  }

  /** A process goes over once the next epoch is there, sooner or later, and then looks for stragglers. */
  async function goOn(n: number): Promise<void> {
    while (!state.opened) await clock.wait(1_000);
    await clock.wait(random.below(10_000));
    await intakes[n]!.closeEpoch();
    intakes[n] = await newIntake(second);
  }

  let stragglers = 0;
  async function watch(ended: Promise<EpochEnd>): Promise<void> {
    const { next: end } = await ended;
    const names = { dialect: 'straggler', source: epoch.topic, topic: epoch.topic };
    while (!state.over) {
      await clock.wait(5_000);
      const work = {
        ...{ topic: epoch.topic, log: first, end, intake: intakes[0]!, open: second },
        store: bridgeStore(store.state as StateStore, names),
        decoders: { ensure: async () => undefined, decode: () => undefined },
        onStraggler: () => {
          stragglers += 1;
        },
      };
      try {
        await republishStragglers(work, new AbortController().signal);
      } catch (error) {
        if (!isFault(error)) throw error;
      }
    }
  }

  const run = async (): Promise<EpochEnd> => {
    const ended = operator();
    const watching = watch(ended);
    const turning = Array.from({ length: processes }, (_, n) => goOn(n));
    await Promise.all([...Array.from({ length: clients }, (_, n) => client(n)), ended, ...turning]);
    // A process that stood still longest has moved by then.
    await clock.wait(400_000);
    state.over = true;
    await watching;
    return ended;
  };
  const end = await clock.until(run());
  const folded = await foldOf(store, end, second);
  return { acknowledged, folded, end, stragglers, failures: state.failures, ackedIn };
}

async function foldOf(store: ArchiveStore, end: EpochEnd, open: ScriptedLog): Promise<Map<string, string[]>> {
  const folded = new Map<string, string[]>();
  const take = ({ value }: LogRecord): void => {
    const { urn, id } = decodeEvent(unframe(value!));
    const ids = folded.get(urn) ?? [];
    folded.set(urn, ids);
    // As a fold does: an id among the last 16 of its URN has no second effect.
    if (!ids.slice(-16).includes(id)) ids.push(id);
  };
  for (const [partition, next] of end.next.entries())
    for await (const { records } of historyLane(store, { topic: 'annal', epoch: 1, partition }, 0, next))
      for (const record of records) take(record);
  for (const lane of open.records) for (const record of lane) take(record);
  return folded;
}
