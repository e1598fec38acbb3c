import type { Ports } from '../composition/compose.ts';
import { isFault } from '../domain/fault.ts';
import type { EventLog } from '../ports/event-log.ts';
import { projections } from '../projections/registry.ts';
import { epochName, subjectOf } from '../streams/archive-names.ts';
import type { Archiver } from '../streams/archiver.ts';
import type { Epoch } from '../streams/epochs.ts';
import type { MissingOffsets } from '../streams/missing-offsets.ts';
import type { Projector } from '../streams/projector.ts';
import type { CutPublisher } from '../streams/publish-cuts.ts';
import type { LogWatch } from '../streams/watch-log.ts';
import type { Health, PortPlace } from './annal.ts';

type Reason = Health['reasons'][number];

const answerMs = 2_000;
const gapsToldMax = 20;

/** Asks each port in `places` a small question, and every lane for its fault. What does not answer within 2 s is missing. */
export async function healthOf({
  ports,
  places,
  epochs,
  log,
  archiver,
  projectors,
  watch,
  publisher,
  missing,
  reasons: others = () => [],
  notices = () => [],
}: {
  readonly ports: Ports;
  /** Ports that this process works with. */
  readonly places: readonly Pick<PortPlace, 'port'>[];
  readonly epochs: readonly Epoch[];
  readonly log: EventLog;
  readonly archiver: Archiver | undefined;
  readonly projectors: readonly Projector[];
  readonly watch?: Pick<LogWatch, 'stalled'>;
  readonly publisher?: Pick<CutPublisher, 'fault'> | undefined;
  /** Holes and gaps that are on record. */
  readonly missing?: () => Promise<readonly MissingOffsets[]>;
  /** What else keeps somebody from their work until somebody does something. */
  readonly reasons?: () => Health['reasons'];
  /** What somebody has to know though all goes on. */
  readonly notices?: () => Health['reasons'];
}): Promise<Health> {
  const { archive, readModel, registry } = ports;
  const subject = subjectOf(epochs.at(-1)!.name);
  const questions: Readonly<Record<PortPlace['port'], () => Promise<Reason[]>>> = {
    log: () => ask('LOG_UNAVAILABLE', 'the log', () => log.bounds()),
    archive: () => ask('STORE_UNAVAILABLE', 'the archive', () => archive.truth.read(epochName(1))),
    'read-model': () =>
      ask('MODEL_UNAVAILABLE', 'the read model', () =>
        Promise.all(projections.map(({ definition }) => readModel.serving(definition))),
      ),
    registry: () => ask('REGISTRY_UNAVAILABLE', 'the schema registry', () => registry.latest(subject)),
  };
  const asked = await Promise.all(places.map(({ port }) => questions[port]()));
  const lanes = (archiver?.status() ?? []).flatMap(({ partition, fault, tree }): Reason[] => {
    if (fault !== undefined)
      return [{ code: fault.code, detail: `archive lane ${partition}: ${fault.message}` }];
    const ill = tree?.fault;
    return ill === undefined
      ? []
      : [{ code: ill.code, detail: `tree of archive lane ${partition}: ${ill.message}` }];
  });
  const lagging = projectors.flatMap((projector): Reason[] => {
    const { projection, fault, state } = projector.status();
    if (fault !== undefined)
      return [{ code: fault.code, detail: `projection ${projection}: ${fault.message}` }];
    return state === 'starting'
      ? [{ code: 'STARTING', detail: `projection ${projection} is being built` }]
      : [];
  });
  const unpublished = publisher?.fault();
  const cuts: Reason[] =
    unpublished === undefined
      ? []
      : [{ code: unpublished.code, detail: `published cuts: ${unpublished.message}` }];
  const reasons = [...asked.flat(), ...lanes, ...cuts, ...lagging, ...stalledIn(watch), ...others()];
  const degraded = [...(missing === undefined ? [] : await gapsIn(missing)), ...notices()];
  return { ready: reasons.length === 0, reasons, ...(degraded.length === 0 ? {} : { degraded }) };
}

/** Gaps stay for ever and keep nobody from work; an archive that cannot be read was told of already. */
async function gapsIn(missing: () => Promise<readonly MissingOffsets[]>): Promise<Reason[]> {
  try {
    const gaps = (await missing()).filter(({ kind }) => kind === 'gap');
    return gaps.slice(0, gapsToldMax).map(({ epoch, partition, first, next }) => ({
      code: 'ARCHIVE_GAP',
      detail: `offsets ${first} to ${next - 1} of partition ${partition} in epoch ${epoch} were dropped before they were archived`,
    }));
  } catch (error) {
    if (isFault(error)) return [];
    throw error;
  }
}

const stalledIn = (watch: Pick<LogWatch, 'stalled'> | undefined): Reason[] =>
  (watch?.stalled() ?? []).map(({ group, partition, next, end }) => ({
    code: 'LANE_STALLED',
    detail: `lane ${partition} of ${group ?? 'a reader alone'} stands at ${next}, the log ends at ${end}`,
  }));

async function ask(code: string, what: string, question: () => Promise<unknown>): Promise<Reason[]> {
  const timeout = Promise.withResolvers<Reason[]>();
  const timer = setTimeout(
    () => timeout.resolve([{ code, detail: `${what} did not answer within ${answerMs} ms` }]),
    answerMs,
  );
  try {
    return await Promise.race([question().then((): Reason[] => []), timeout.promise]);
  } catch (error) {
    return [
      {
        code: isFault(error) ? error.code : code,
        detail: `${what}: ${String(error instanceof Error ? error.message : error)}`,
      },
    ];
  } finally {
    clearTimeout(timer);
  }
}
