import type { Ports } from '../composition/compose.ts';
import { isFault } from '../domain/fault.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { Archiver } from '../streams/archiver.ts';
import type { Projector } from '../streams/projector.ts';
import type { Health } from './annal.ts';

type Reason = Health['reasons'][number];

const answerMs = 2_000;

/** Asks every port a small question, and every lane for its fault. What does not answer within 2 s is missing. */
export async function healthOf({
  ports,
  log,
  archiver,
  projectors,
}: {
  readonly ports: Ports;
  readonly log: EventLog;
  readonly archiver: Archiver | undefined;
  readonly projectors: readonly Projector[];
}): Promise<Health> {
  const asked = await Promise.all([
    ask('LOG_UNAVAILABLE', 'the log', () => log.bounds()),
    ask('STORE_UNAVAILABLE', 'the archive', () => ports.archive.truth.read('epochs/1.json')),
    ask('MODEL_UNAVAILABLE', 'the read model', () => ports.readModel.list()),
    ask('REGISTRY_UNAVAILABLE', 'the schema registry', () => ports.registry.latest('annal-value')),
  ]);
  const lanes = (archiver?.status() ?? []).flatMap(({ partition, fault }): Reason[] =>
    fault === undefined ? [] : [{ code: fault.code, detail: `archive lane ${partition}: ${fault.message}` }],
  );
  const lagging = projectors.flatMap((projector): Reason[] => {
    const { projection, fault, state } = projector.status();
    if (fault !== undefined)
      return [{ code: fault.code, detail: `projection ${projection}: ${fault.message}` }];
    return state === 'starting'
      ? [{ code: 'STARTING', detail: `projection ${projection} is being built` }]
      : [];
  });
  const reasons = [...asked.flat(), ...lanes, ...lagging];
  return { ready: reasons.length === 0, reasons };
}

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
