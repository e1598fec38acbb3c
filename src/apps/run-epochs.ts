import { v7 as uuidV7 } from 'uuid';
import type { Ports } from '../composition/compose.ts';
import { isFault } from '../domain/fault.ts';
import type { NoteSigner } from '../formats/note-key.ts';
import type { Rules } from '../intake/admit.ts';
import { type Intake, openIntake } from '../intake/submit.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { ReadModel } from '../ports/read-model.ts';
import { type Epoch, readClosing } from '../streams/epochs.ts';
import { openEventDecoders } from '../streams/event-decoders.ts';
import { modelOfLog } from '../streams/own-model.ts';
import type { Annal, Health, Operation, PortPlace } from './annal.ts';
import { auditTopic } from './audit-topic.ts';
import { type Bridges, startBridges } from './bridges.ts';
import { type Catalog, startCatalog } from './catalog.ts';
import type { AnnalConfig } from './config.ts';
import { ensureSchemaIn } from './ensure-schema.ts';
import { epochTurns } from './epoch-turns.ts';
import { liveAnnal, type Session } from './live-annal.ts';
import type { OpenOptions } from './open-annal.ts';
import { operations } from './operations.ts';
import { type Log, type Runtime, type RuntimeOptions, startRuntime } from './runtime.ts';
import { openSchemas } from './schemas.ts';
import { watchStragglers } from './watch-stragglers.ts';

/** A caller waits so long for the log to confirm an append. */
const appendDeadlineMs = 20_000;
/** How often to look whether another epoch is open, and what came to the topics of closed ones. */
const epochLookMs = 5_000;

/** What there is to run with. */
export interface Ground {
  readonly ports: Ports;
  readonly places: readonly PortPlace[];
  readonly first: { readonly epochs: readonly Epoch[]; readonly log: EventLog };
  readonly signer: NoteSigner | undefined;
  readonly fillBy: RuntimeOptions['fillBy'];
  /** What decides about events; undefined where this process takes none in. */
  readonly rules: Rules | undefined;
  /** Gets what has to be closed. */
  readonly opening: AsyncDisposableStack;
}

/** Starts what the roles ask for, over the newest epoch and then each that follows. */
export async function runEpochs(
  options: OpenOptions,
  { ports, places, first, signer, fillBy, rules, opening }: Ground,
): Promise<Runtime & Annal> {
  const { config, roles, say, probes = {} } = options;
  const { turnProbe, ...sessionProbes } = probes;
  const running = operations<Operation>();
  const readModel = modelOfLog(ports.readModel, first.epochs[0]!.log);
  const lookMs = options.epochLookMs ?? epochLookMs;
  let bridges: Bridges | undefined;
  let catalog: Catalog | undefined;
  let stragglers = 0;
  const unfit = await auditTopic(ports.logHost, first.epochs.at(-1)!, say);

  function begin(epochs: readonly Epoch[], log: EventLog, intake: Intake | undefined): Session {
    const closed = (): Health['reasons'] =>
      intake?.status().closed === true
        ? [{ code: 'EPOCH_CLOSED', detail: `epoch ${log.epoch} is closed, and the next one not open yet` }]
        : [];
    const runtime = startRuntime({
      ports: { ...ports, readModel },
      ...{ places, epochs, log, roles, intake, signer, say, running },
      ...{ archiveLimits: config.archiveLimits, stallMs: config.stallMs, drift: config.drift },
      fillBy,
      notices: () => catalog?.notices() ?? [],
      reasons: () => [
        ...(bridges?.reasons() ?? []),
        ...closed(),
        ...(log.epoch === first.log.epoch ? unfit : []),
      ],
      ...sessionProbes,
      ...(options.onBuilt === undefined ? {} : { onBuilt: options.onBuilt }),
    });
    const onStraggler = (): void => {
      stragglers += 1;
    };
    const decoders = openEventDecoders(ports.archive.truth);
    const unwatch =
      intake === undefined
        ? undefined
        : watchStragglers({ ports, epochs, intake, log, decoders, lookMs, say, onStraggler });
    const stop = async (): Promise<void> => {
      await unwatch?.();
      await runtime.stop();
    };
    return { epochs, log, intake, runtime, stop };
  }

  const works = roles.intake || roles.archiver || roles.projector;
  const live = await liveAnnal({
    ...{ ports, first, begin, say, lookMs: works ? lookMs : null },
    openIntake: async (log, epochs) =>
      rules === undefined ? undefined : intakeOf(config, ports, { log, epoch: epochs.at(-1)! }, rules, say),
  }).catch(async (error: unknown) => {
    await first.log[Symbol.asyncDispose]();
    throw error;
  });
  opening.defer(() => live.stop());
  opening.use(running);
  const turns = opening.use(
    epochTurns({
      ...{ ports, say, current: () => live.runtime, goOn: live.goOn },
      flushMs: config.archiveLimits.flushMs,
      ...(turnProbe === undefined ? {} : { probe: turnProbe }),
    }),
  );
  if (live.intake !== undefined && roles.catalog === true && config.catalog.sources.length > 0) {
    const model = (): ReadModel => live.runtime.model;
    const started = startCatalog(config, { ports, intake: live.intake, model, say });
    catalog = started;
    opening.defer(() => started.stop());
  }
  if (live.intake !== undefined && rules !== undefined && config.role !== 'catalog') {
    const started = startBridges(config, { ports, intake: live.intake, rules, say });
    bridges = started;
    opening.defer(() => started.stop());
  }
  return Object.defineProperties(live.runtime, {
    turns: { value: turns, enumerable: true },
    schemas: {
      value: openSchemas(ports, config.name, config.registry.kind === 'embedded'),
      enumerable: true,
    },
    stragglers: { value: () => stragglers, enumerable: true },
    catalog: { value: catalog, enumerable: true },
  }) as Runtime & Annal;
}

/** Intake over an epoch's log. The schema is in the archive before the first event that names it. */
function intakeOf(
  config: AnnalConfig,
  ports: Ports,
  { log, epoch }: { readonly log: EventLog; readonly epoch: Epoch },
  rules: Rules,
  say: Log,
): Promise<Intake> {
  const { archive, clock } = ports;
  return openIntake({
    ...rules,
    log,
    clock,
    isClosed: async () => (await readClosing(archive.truth, epoch)) !== undefined,
    newId: uuidV7,
    deadlineMs: appendDeadlineMs,
    onFault: (fault, partition) =>
      say('warn', 'intake fault', {
        partition,
        ...(isFault(fault) ? { code: fault.code } : {}),
        error: String(fault),
      }),
    ensureSchema: ensureSchemaIn(ports, config.name, say),
    schemaKind: ports.registry.kind,
  });
}
