import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidV7 } from 'uuid';
import { takeOwnerLock } from '../adapters/file-log/owner-lock.ts';
import { openPorts, type Ports } from '../composition/compose.ts';
import { formatCut, parseCut } from '../domain/cut.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { ReadModel } from '../ports/read-model.ts';
import type { Projection } from '../projections/projection.ts';
import { projections } from '../projections/registry.ts';
import { withClaim } from '../streams/claim.ts';
import { type CoveringCheckpoint, coveringCheckpoint } from '../streams/covering-checkpoint.ts';
import {
  type DrillReport,
  isSame,
  type LiveRoot,
  notRecovered,
  type RecoveredModel,
} from '../streams/drill-report.ts';
import { type Epoch, readEpochs } from '../streams/epochs.ts';
import { openEventDecoders } from '../streams/event-decoders.ts';
import { archiveCut } from '../streams/history-cut.ts';
import { modelOfLog } from '../streams/own-model.ts';
import { rebuild } from '../streams/rebuild.ts';
import type { RebuildProgress } from '../streams/rebuild-pace.ts';
import { planRebuild, type RebuildContext } from '../streams/rebuild-plan.ts';
import { type ArchiveReading, readArchive } from './archive-reading.ts';
import type { AnnalConfig } from './config.ts';
import { portSettings } from './open-annal.ts';
import { withScratch } from './scratch-state.ts';

/** What a live read model held at a cut, by its own root. */
export interface LiveModel {
  /** Text. */
  readonly cut: string;
  readonly held: LiveRoot;
}

export interface DrillAsked {
  readonly config: AnnalConfig;
  /** By projection; none where nothing serves. */
  readonly live: ReadonlyMap<string, LiveModel>;
  readonly onProgress: (projection: string, progress: RebuildProgress) => void;
  readonly signal: AbortSignal;
}

const folderName = 'drill';

/**
 * Brings every read model back from the archive alone, beside those that serve: in a folder and under index names of its own,
 * which nobody reads, and that go at the end; what a killed drill left goes first. Live models, aliases and topics are not
 * touched, and of the archive's state nothing but a claim, where that is on a server. A failure of the recovery is a result.
 * Rejects with `ALREADY_RUNNING` or `REBUILD_RUNNING` while another drill runs, with `ARCHIVE_EMPTY`, and with the signal's
 * reason.
 */
export async function drill(asked: DrillAsked): Promise<DrillReport> {
  const { config, signal } = asked;
  const dir = join(config.dataDir, folderName);
  await using archive = await readArchive(config, { folder: undefined, change: false });
  const epochs = await readEpochs(archive.store.truth);
  if (epochs.length === 0) throw new Fault('ARCHIVE_EMPTY', { archive: archive.store.place });
  await using _ = takeOwnerLock(dir);
  const id = uuidV7();
  if (config.archive.kind === 'folder') return recovered(asked, { archive, epochs, id, dir, signal });
  const claim = { state: archive.store.state, clock: archive.clock, projection: folderName };
  return await withClaim(claim, { id, kind: 'drill' }, (lost) =>
    recovered(asked, { archive, epochs, id, dir, signal: AbortSignal.any([signal, lost]) }),
  );
}

interface Ground {
  readonly archive: ArchiveReading;
  readonly epochs: readonly Epoch[];
  readonly id: string;
  /** Of this drill alone while it runs. */
  readonly dir: string;
  readonly signal: AbortSignal;
}

async function recovered(asked: DrillAsked, ground: Ground): Promise<DrillReport> {
  const { archive, epochs, id, dir, signal } = ground;
  const { clock, store } = archive;
  const { log, name } = epochs[0]!;
  const scratch = join(dir, 'scratch');
  await rm(scratch, { recursive: true, force: true });
  await using ending = new AsyncDisposableStack();
  ending.defer(() => rm(scratch, { recursive: true, force: true }));
  const startedAt = clock.now();
  const models: RecoveredModel[] = [];
  const told: Pick<DrillReport, 'id' | 'kind' | 'log' | 'name' | 'archive' | 'startedAt' | 'notRecovered'> = {
    ...{ id, kind: 'drill', log, name, archive: store.place, startedAt, notRecovered },
  };
  let [into, checkpoint]: [string, CoveringCheckpoint | null] = [scratch, null];
  let failed = false;
  const ended = (result: DrillReport['result'], fault: DrillReport['fault']): DrillReport => {
    const endedAt = clock.now();
    const tookMs = endedAt - startedAt;
    return { ...told, into, checkpoint, models, result, fault, endedAt, tookMs };
  };
  try {
    const ports = ending.use(await openPorts(scratchSettings(asked.config, scratch), () => undefined));
    const model = scratchModel(ports, log);
    into = model.place;
    await clear(model);
    ending.defer(() =>
      clear(model).catch((error: unknown) => {
        // Of an engine that went away the report tells, and the next drill clears what is left.
        if (!failed || !isFault(error)) throw error;
      }),
    );
    const { store: own } = ending.use(await withScratch(store, join(scratch, 'fold')));
    const context = { store: own, model, clock, epochs, decoders: openEventDecoders(store.truth) };
    for (const projection of projections)
      models.push(await recoverOne({ ...context, signal }, projection, asked));
    checkpoint = await coveringAll({ ...context, epochs }, models);
    return ended(models.every(isSame) ? 'proven' : 'differs', null);
  } catch (error) {
    if (signal.aborted || !isFault(error)) throw error;
    failed = true;
    return ended('failed', { code: error.code, message: error.message });
  }
}

/** Where live models are, under other names: nothing else of these ports is used. */
function scratchSettings(config: AnnalConfig, dir: string) {
  const { readModel } = config;
  const beside = portSettings({ ...config, dataDir: dir });
  return readModel.kind === 'sqlite'
    ? beside
    : { ...beside, readModel: { ...readModel, prefix: `${readModel.prefix}-drill` } };
}

/** Its indexes say that they are of a drill of this log: no other log, and no process that serves, takes them for its own. */
const scratchModel = ({ readModel }: Ports, log: string): ReadModel =>
  modelOfLog(readModel, `drill of ${log}`);

/** Drops what is there. Rejects with `MODEL_OF_ANOTHER_LOG` where somebody else has indexes of such names. */
async function clear(model: ReadModel): Promise<void> {
  for (const { name, projection } of await model.list()) {
    const of = projections.find(({ definition }) => definition.projection === projection);
    if (of !== undefined && (await model.open(name, of.definition)) !== undefined) await model.drop(name);
  }
}

async function recoverOne(
  context: RebuildContext & { readonly signal: AbortSignal },
  projection: Projection,
  { live, onProgress }: DrillAsked,
): Promise<RecoveredModel> {
  const { clock, store, epochs, signal } = context;
  const { projection: name, version } = projection.definition;
  const begunAt = clock.now();
  const known = live.get(name);
  const cut = known === undefined ? await archiveCut(store, epochs) : parseCut(known.cut)!;
  const accepting = { ...context, acceptUnindexable: Number.POSITIVE_INFINITY };
  const plan = await planRebuild(accepting, projection, { cut });
  const told = (progress: RebuildProgress): void => onProgress(name, progress);
  const { events, documents, unindexable, root } = await rebuild(
    accepting,
    projection,
    plan,
    uuidV7(),
    told,
    signal,
  );
  return {
    ...{ projection: name, version, cut: formatCut(cut), events, documents, unindexable, root },
    tookMs: clock.now() - begunAt,
    live: known?.held ?? null,
  };
}

/** The newest checkpoint, where it covers all of them. */
async function coveringAll(
  { store, epochs }: Pick<RebuildContext, 'store' | 'epochs'>,
  models: readonly RecoveredModel[],
): Promise<CoveringCheckpoint | null> {
  let newest: CoveringCheckpoint | null = null;
  for (const { cut } of models) {
    newest = await coveringCheckpoint(store, epochs, parseCut(cut)!);
    if (newest === null) return null;
  }
  return newest;
}
