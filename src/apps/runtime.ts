import { v7 as uuidV7 } from 'uuid';
import type { Ports } from '../composition/compose.ts';
import { type Cut, formatCut } from '../domain/cut.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import type { Intake } from '../intake/submit.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { LaneProgress } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { projections } from '../projections/registry.ts';
import type { ArchiveLimits, ArchivePoint } from '../streams/archive-lane.ts';
import type { LaneName } from '../streams/archive-names.ts';
import { type Archiver, startArchiver } from '../streams/archiver.ts';
import type { DriftLimits } from '../streams/drift.ts';
import type { Epoch } from '../streams/epochs.ts';
import { openEventDecoders } from '../streams/event-decoders.ts';
import type { FillIndex } from '../streams/fill-index.ts';
import { startKeptProjector } from '../streams/kept-projector.ts';
import { type TreeLimits, treeLimits } from '../streams/lane-tree.ts';
import { missingOffsets } from '../streams/missing-offsets.ts';
import type { ProjectPoint } from '../streams/project-slice.ts';
import { type Projector, type ProjectorOptions, startProjector } from '../streams/projector.ts';
import type { RebuildContext } from '../streams/rebuild-plan.ts';
import { rebuildPresent } from '../streams/rebuild-present.ts';
import type { RebuildReport } from '../streams/rebuild-report.ts';
import { type StalledLane, watchLog } from '../streams/watch-log.ts';
import type { AnnalOfEpoch, Health, Operation, PortPlace } from './annal.ts';
import { archiveLanes } from './archive-lanes.ts';
import { catchUp } from './catch-up.ts';
import { startCutPublisher } from './cut-publisher.ts';
import { startDriftWatch } from './drift-watch.ts';
import { drillsOf } from './drills.ts';
import { healthOf } from './health.ts';
import { foldKeeper } from './kept-folds.ts';
import { levelOf, told } from './notice-lines.ts';
import { type Operations, operations } from './operations.ts';
import { readServing } from './read-serving.ts';
import { known, rebuildsOf } from './rebuilds.ts';
import { retireFiles } from './retire-files.ts';
import { cutIn, projectionStatus } from './statuses.ts';
import { verifications, verifyContext } from './verifications.ts';

/** One line a fact: constant words, units in field names. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  what: string,
  facts: Record<string, unknown>,
) => void;

export interface RuntimeOptions {
  readonly ports: Ports;
  readonly places: readonly PortPlace[];
  readonly epochs: readonly Epoch[];
  readonly log: EventLog;
  readonly roles: { readonly archiver: boolean; readonly projector: boolean };
  /** Opened by the caller, where this process takes events in. */
  readonly intake: Intake | undefined;
  readonly archiveLimits: ArchiveLimits;
  /** A lane that gets nothing for so long though the log has more is read again. Default 60 s. */
  readonly stallMs?: number;
  readonly treeLimits?: TreeLimits;
  /** Checks of read models in the background; none where left out. */
  readonly drift?: DriftLimits;
  /** Fills an index by so many threads; undefined where one has to do it. */
  readonly fillBy?: ((workers: number) => FillIndex | undefined) | undefined;
  /** Signs checkpoints and reports; without one trees grow unsigned, and reports are kept so. */
  readonly signer?: NoteSigner | undefined;
  readonly say: Log;
  /** Whose end is the caller's, where given: they go on when another epoch opens. */
  readonly running?: Operations<Operation>;
  /** What else keeps somebody from their work, for health. */
  readonly reasons?: () => Health['reasons'];
  /** What somebody has to know though all goes on, for health. */
  readonly notices?: () => Health['reasons'];
  /** Told of each read model that is built because none was there. */
  readonly onBuilt?: (report: RebuildReport) => void;
  /** Tests stop the process at named points. */
  readonly archiveProbe?: (point: ArchivePoint, lane: LaneName) => void | Promise<void>;
  readonly projectProbe?: (point: ProjectPoint, lane: LaneProgress) => void | Promise<void>;
}

export interface Runtime extends AnnalOfEpoch {
  /** Of the newest epoch. */
  readonly log: EventLog;
  readonly archiver: Archiver | undefined;
  readonly projectors: readonly Projector[];
  /** Stops taking in, ends the lanes, flushes the archive. The log stays open: it is the caller's. */
  stop(): Promise<void>;
}

const retryMs = 1_000;
const stallDefaultMs = 60_000;
const lookMs = 1_000;
/** Which index is kept changes with a swap only, and this process looks at once after its own. */
const keptLookMs = 5_000;
const pollMs = 50;
/** Holes and gaps are looked for no oftener, whoever asks. */
const missingLookMs = 15_000;
/** A flush that is due may take so long until it is called late. */
const flushGraceMs = 20_000;

/** Starts what a process does, by its roles, and gives what the API and the command line need. */
export function startRuntime(options: RuntimeOptions): Runtime {
  const { ports, epochs, roles, say } = options;
  const { archive: store, readModel: model, clock } = ports;
  const stallMs = options.stallMs ?? stallDefaultMs;
  const onStall = (lane: StalledLane): void => say('warn', 'lane stalled', { ...lane });
  const watch = watchLog(options.log, { clock, stallMs, onStall });
  const { log } = watch;
  const open = epochs.at(-1)!;
  const world = { store, clock, open, log, watch, watchedSince: clock.now() };
  const missing = missingOffsets(store, epochs, { clock, everyMs: missingLookMs });
  const context: RebuildContext = {
    ...{ store, model, clock, epochs, decoders: openEventDecoders(store.truth), ...foldKeeper(store.state) },
    ...(options.signer === undefined ? {} : { signer: options.signer }),
  };
  const trees = options.treeLimits ?? treeLimits;
  const running = options.running ?? operations<Operation>();
  let building: Promise<unknown> = Promise.resolve();

  const archiver = roles.archiver
    ? startArchiver({
        store,
        clock,
        limits: options.archiveLimits,
        log,
        name: open.name,
        group: `${open.name}.archiver`,
        retryMs,
        withPool: true,
        trees: { log: open.log, signer: options.signer, limits: trees },
        onNotice: ({ kind, ...facts }) => say(levelOf(kind), `archive ${kind}`, told(facts)),
        ...(options.archiveProbe === undefined ? {} : { probe: options.archiveProbe }),
      })
    : undefined;
  const waitMs = options.archiveLimits.flushMs + flushGraceMs;
  const caughtUp = catchUp({ store, clock, log, open, archiver, waitMs, say });
  // A log in files has one owner: nobody else projects it.
  const others = !options.places.some(({ port, embedded }) => port === 'log' && embedded);
  const projectors = roles.projector ? projections.map(follow) : [];
  const beside = roles.projector ? projections.map(followKept) : [];
  const ofName = (name: string) => (projector: Projector) => projector.status().projection === name;
  const projectorOf = (name: string): Projector | undefined => projectors.find(ofName(name));
  const keptProjectorOf = (name: string): Projector | undefined => beside.find(ofName(name));

  function follow(projection: Projection): Projector {
    return startProjector({
      ...following(projection),
      lookMs,
      build: (signal) => {
        // One after the other: the states of one projection in memory are enough.
        const built = building.then(() => build(projection, signal));
        building = built.then(settled, settled);
        return built;
      },
      onNotice: ({ kind, ...facts }) => say(levelOf(kind), `projection ${kind}`, told(facts)),
      ...(options.projectProbe === undefined ? {} : { probe: options.projectProbe }),
    });
  }

  function followKept(projection: Projection): Projector {
    return startKeptProjector({
      ...following(projection),
      lookMs: keptLookMs,
      onNotice: ({ kind, ...facts }) => say(levelOf(kind), `kept index ${kind}`, told(facts)),
    });
  }

  function following(projection: Projection): Omit<ProjectorOptions, 'build' | 'onNotice' | 'lookMs'> {
    const group = `${open.name}.projector.${projection.definition.projection}`;
    return { ...context, projection, log, lateMs: ports.logHost.lateMs, group, retryMs };
  }

  const publisher =
    archiver === undefined
      ? undefined
      : startCutPublisher({ store, clock, epochs, signer: options.signer, signMs: trees.signMs, say });
  const retiring = new AbortController();
  if (archiver !== undefined) retireFiles({ log, archiver, clock, say, signal: retiring.signal });

  async function build(projection: Projection, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    // Nothing serves yet: most of a read model is more than none.
    const accepting = { ...context, acceptUnindexable: Number.POSITIVE_INFINITY };
    const onProgress = (): void => undefined;
    const report = await rebuildPresent(accepting, { projection, id: uuidV7(), onProgress, signal });
    say(report.unindexable > 0 ? 'warn' : 'info', 'read model built', { ...report });
    options.onBuilt?.(report);
  }

  /** Progress as a search sees it: all before it shows. */
  async function lanesOf(name: string): Promise<readonly LaneProgress[]> {
    return (await readServing(model, known(name).definition, (index) => index.visible())) ?? [];
  }

  const cut = async (name: string): Promise<Cut | null> => cutIn(await lanesOf(name), epochs);

  async function until(holds: () => Promise<boolean>, waitMs: number): Promise<boolean> {
    const deadline = clock.now() + waitMs;
    for (;;) {
      if (await holds()) return true;
      const leftMs = deadline - clock.now();
      if (leftMs <= 0) return false;
      await clock.wait(Math.min(pollMs, leftMs));
    }
  }

  const verifying = { context, running, caughtUp, projectorOf, others, say };
  const unwatchDrift = startDriftWatch(
    (projection) => verifyContext(verifying, projectorOf(projection.definition.projection)),
    roles.projector ? options.drift : undefined,
    say,
  );

  const annal: AnnalOfEpoch = {
    epochs,
    ports: options.places,
    watch,
    intake: options.intake,
    model,
    projections: () =>
      Promise.all(
        projections.map((projection) => {
          const projector = projectorOf(projection.definition.projection)?.status();
          const kept = keptProjectorOf(projection.definition.projection)?.status();
          return projectionStatus({ store, model, log, epochs }, projection, projector, kept);
        }),
      ),
    archive: () => archiveLanes({ ...world, own: archiver?.status() }),
    missing,
    health: () => healthOf({ ...options, watch, archiver, projectors, publisher, missing }),
    cut,
    reached: (name, position, waitMs) =>
      until(async () => {
        const lanes = await lanesOf(name);
        const epoch = Math.max(...lanes.map((lane) => lane.epoch));
        const lane = lanes.find(
          (found) => found.epoch === position.epoch && found.partition === position.partition,
        );
        return epoch > position.epoch || (lane !== undefined && lane.next > position.offset);
      }, waitMs),
    moved: async (name, from, waitMs) => {
      await until(async () => {
        const now = await cut(name);
        return now !== null && formatCut(now) !== formatCut(from);
      }, waitMs);
    },
    ...rebuildsOf({
      ...{ context, running, caughtUp, projectorOf, keptProjectorOf, others, say, fillBy: options.fillBy },
    }),
    verify: verifications(verifying),
    ...drillsOf(store.state, open.log),
    operation: (id) => running.find(id),
    ended: (id) => running.ended(id),
  };
  return Object.assign(annal, {
    log,
    archiver,
    projectors,
    async stop() {
      retiring.abort();
      await options.intake?.[Symbol.asyncDispose]();
      if (options.running === undefined) await running[Symbol.asyncDispose]();
      await unwatchDrift();
      await Promise.all([...projectors, ...beside].map((projector) => projector.stop()));
      await publisher?.stop();
      await archiver?.stop();
      await watch[Symbol.asyncDispose]();
    },
  });
}

/** Whoever waits for its turn does not care how the one before ended; whoever asked for that one was told. */
const settled = (): void => undefined;
