import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { isFault } from '../../domain/fault.ts';
import type { LaneProgress } from '../../ports/read-model.ts';
import type { DrillReport } from '../../streams/drill-report.ts';
import type { MissingOffsets } from '../../streams/missing-offsets.ts';
import type { Annal } from '../annal.ts';
import type { ArchiveLaneStatus } from '../archive-lanes.ts';
import type { CatalogSource } from '../catalog.ts';
import type { Api } from './request.ts';

/** Events that went through this process's door. */
export interface Counts {
  appended(events: number): void;
  refused(events: number): void;
  unknown(events: number): void;
}

export interface Metrics {
  readonly counts: Counts;
  readonly contentType: string;
  /** Measures the world as it is now and writes everything in Prometheus' text form. */
  read(annal: Annal): Promise<string>;
}

/** Metrics of one server; those of the process join once it listens. */
export function metricsOf(app: Api): Metrics {
  const register = new Registry();
  const registers = [register];
  const events = new Counter({
    name: 'annal_events_total',
    help: 'Events published through this process, by what became of them',
    labelNames: ['result'],
    registers,
  });
  const durations = new Histogram({
    name: 'annal_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers,
  });
  const world = worldGauges(registers);
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
  });
  app.addHook('onListen', async () => collectDefaultMetrics({ register }));
  const add = (result: string) => (count: number) => events.inc({ result }, count);
  return {
    counts: { appended: add('appended'), refused: add('refused'), unknown: add('unknown') },
    contentType: register.contentType,
    async read(annal) {
      await world.measure(annal);
      return register.metrics();
    },
  };
}

type MakeGauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) => Gauge<L>;

/** What an archive holds, by partition of the open epoch; what it misses, of all epochs. */
function archiveGaugesOf(gauge: MakeGauge) {
  const byPartition = ['partition'] as const;
  const segment = gauge('annal_archive_last_segment_offset', 'First offset of the last segment', byPartition);
  const tree = gauge('annal_archive_tree_leaves', 'Leaves in the tiles of a lane', byPartition);
  const checkpoint = gauge(
    'annal_archive_checkpoint_leaves',
    'Leaves under the newest checkpoint',
    byPartition,
  );
  const signedAt = gauge(
    'annal_archive_checkpoint_timestamp_seconds',
    'When the newest checkpoint was made',
    byPartition,
  );
  const missing = gauge('annal_archive_missing_ranges', 'Holes and gaps on record', ['kind']);
  return (lanes: readonly ArchiveLaneStatus[], offsets: readonly MissingOffsets[]): void => {
    for (const each of [segment, tree, checkpoint, signedAt]) each.reset();
    for (const { partition, lastSegment, ...lane } of lanes) {
      if (lastSegment !== null) segment.set({ partition }, lastSegment);
      if (lane.tree !== null) tree.set({ partition }, lane.tree.size);
      if (lane.checkpoint === null) continue;
      checkpoint.set({ partition }, lane.checkpoint.size);
      signedAt.set({ partition }, lane.checkpoint.at / 1_000);
    }
    for (const kind of ['hole', 'gap'] as const)
      missing.set({ kind }, offsets.filter((range) => range.kind === kind).length);
  };
}

/** Places that this process keeps scanned. */
function catalogGaugesOf(gauge: MakeGauge) {
  const by = ['source'] as const;
  const entities = gauge('annal_catalog_entities', 'Tables and folders that a source has', by);
  const unread = gauge(
    'annal_catalog_unread_files',
    'Files and folders that the last scan could not read',
    by,
  );
  const held = gauge('annal_catalog_held_deletions', 'What is gone and was not deleted', by);
  const refused = gauge(
    'annal_catalog_refused_events',
    'Events of the last scan that intake did not take',
    by,
  );
  const endedAt = gauge('annal_catalog_scan_timestamp_seconds', 'When the last scan ended', by);
  const seconds = gauge('annal_catalog_scan_duration_seconds', 'How long it took', by);
  const failing = gauge('annal_catalog_failing', '1 where the last attempt came to no end', by);
  return (sources: readonly CatalogSource[]): void => {
    for (const each of [entities, unread, held, refused, endedAt, seconds, failing]) each.reset();
    for (const { source, last, fault } of sources) {
      failing.set({ source }, fault === null ? 0 : 1);
      if (last === null) continue;
      entities.set({ source }, last.entities);
      unread.set({ source }, last.unread);
      held.set({ source }, last.deletionsHeld?.count ?? 0);
      refused.set({ source }, last.refused);
      endedAt.set({ source }, last.endedAt / 1_000);
      seconds.set({ source }, last.tookMs / 1_000);
    }
  };
}

function drillGaugesOf(gauge: MakeGauge) {
  const endedAt = gauge('annal_drill_timestamp_seconds', 'When the last recovery or drill of one ended', []);
  const proven = gauge('annal_drill_proven', '1 where the last one proved what it brought back', []);
  const seconds = gauge('annal_drill_duration_seconds', 'How long it took to bring everything back', []);
  return (last: DrillReport | undefined): void => {
    // None yet is told by a time of 0: as old as can be.
    endedAt.set((last?.endedAt ?? 0) / 1_000);
    proven.set(last?.result === 'proven' ? 1 : 0);
    seconds.set((last?.tookMs ?? 0) / 1_000);
  };
}

function worldGauges(registers: Registry[]) {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames, registers });
  const up = gauge('annal_world_readable', '1 where a part could be asked, 0 where it is away', ['part']);
  const lane = ['projection', 'partition'] as const;
  const lag = gauge('annal_projection_lag_events', 'Log end minus progress, in offsets', ['projection']);
  const documents = gauge('annal_projection_documents', 'Documents in the serving index', ['projection']);
  const keptLag = gauge('annal_kept_index_lag_events', 'Log end minus progress of the index that is kept', [
    'projection',
  ]);
  const drifted = gauge(
    'annal_projection_drift_documents',
    'Documents that differed from the archive, or were not found by a search, at the last comparison',
    ['projection'],
  );
  const comparedAt = gauge(
    'annal_projection_drift_checked_timestamp_seconds',
    'When the serving index was compared with the archive last',
    ['projection'],
  );
  const halted = gauge('annal_projection_halted', '1 where a projection needs somebody', ['projection']);
  const laneLag = gauge('annal_lane_lag_events', 'Log end minus progress of one lane, in offsets', lane);
  const laneAge = gauge('annal_lane_age_seconds', 'For how long its next event has been in the log', lane);
  const byPartition = ['partition'] as const;
  const archiveLag = gauge(
    'annal_archive_lag_events',
    'Log end minus what is archived, in offsets',
    byPartition,
  );
  const archiveAge = gauge(
    'annal_archive_age_seconds',
    'For how long the next event to archive has been in the log',
    byPartition,
  );
  const archiveGauges = archiveGaugesOf(gauge);
  const catalogGauges = catalogGaugesOf(gauge);
  const stalls = new Counter({
    name: 'annal_lane_stalls_total',
    help: 'Times a lane got nothing for long though the log had more, and was read again',
    labelNames: ['partition'],
    registers,
  });
  const stragglers = gauge(
    'annal_stragglers',
    'Records that came to a closed topic behind its end, since the start',
    [],
  );
  const drillGauges = drillGaugesOf(gauge);
  const ask = async <T>(part: string, asked: Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await asked;
      up.set({ part }, 1);
      return answer;
    } catch (error) {
      if (!isFault(error)) throw error;
      up.set({ part }, 0);
      return undefined;
    }
  };
  return {
    async measure(annal: Annal): Promise<void> {
      const [projections, archive, missing, drills] = await Promise.all([
        ask('projections', annal.projections()),
        ask('archive', annal.archive()),
        ask('missing', annal.missing()),
        ask('drills', annal.drills(1)),
      ]);
      drillGauges(drills?.[0]?.report);
      for (const each of [drifted, comparedAt, keptLag]) each.reset();
      for (const status of projections ?? []) {
        const { projection } = status;
        lag.set({ projection }, status.lag);
        documents.set({ projection }, status.documents);
        if (status.kept !== null) keptLag.set({ projection }, status.kept.lag);
        if (status.drift !== null) {
          drifted.set({ projection }, status.drift.drifted);
          comparedAt.set({ projection }, status.drift.endedAt / 1_000);
        }
        halted.set({ projection }, status.state === 'halted' ? 1 : 0);
      }
      stragglers.set(annal.stragglers());
      catalogGauges(annal.catalog?.sources() ?? []);
      // Another epoch may have fewer partitions.
      for (const each of [archiveLag, archiveAge, laneLag, laneAge]) each.reset();
      archiveGauges(archive ?? [], missing ?? []);
      const { watch } = annal;
      for (const { partition, archived, logEnd } of archive ?? []) {
        archiveLag.set({ partition }, Math.max(0, logEnd - archived));
        archiveAge.set({ partition }, watch.ageMs(partition, archived) / 1_000);
        for (const { projection, lanes } of projections ?? []) {
          const next = lanes.find(isOpen(annal, partition))?.next ?? 0;
          laneLag.set({ projection, partition }, Math.max(0, logEnd - next));
          laneAge.set({ projection, partition }, watch.ageMs(partition, next) / 1_000);
        }
      }
      stalls.reset();
      for (const [partition, count] of watch.stalls.entries()) stalls.inc({ partition }, count);
    },
  };
}

/** The lane of a partition in the open epoch. */
const isOpen =
  ({ epochs }: Annal, partition: number) =>
  (lane: LaneProgress): boolean =>
    lane.epoch === epochs.at(-1)?.epoch && lane.partition === partition;
