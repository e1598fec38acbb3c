import type { LogRecord } from '../domain/event.ts';
import { Fault, type FaultCode, faults, isFault } from '../domain/fault.ts';
import type { Principal } from '../domain/policy.ts';
import { entityTypeOf } from '../domain/urn.ts';
import { azureId, confluentId, unframe } from '../formats/framing.ts';
import type { Clock } from '../ports/clock.ts';
import { mayBePersonal, type Rules } from './admit.ts';
import type { BridgeStore, RefusedEvent } from './bridge-store.ts';
import type { ForeignSchemas } from './foreign-schemas.ts';
import { inOrder } from './in-order.ts';
import type { IncomingEvent } from './incoming-event.ts';
import type { Intake, SubmitResult } from './submit.ts';
import type { Dialect, ForeignPlace, Translation } from './translate/translation.ts';

/** What a batch of foreign records is settled with. */
export interface BatchWork {
  readonly source: string;
  readonly topic: string;
  readonly dialect: Dialect;
  readonly principal: Principal;
  readonly schemas: ForeignSchemas;
  readonly intake: Pick<Intake, 'submitEvents'>;
  readonly rules: Rules;
  readonly store: BridgeStore;
  readonly clock: Clock;
}

export interface BatchCounts {
  readonly appended: number;
  readonly repeated: number;
  readonly refused: number;
}

/** Events given to intake at once: checking them holds up everything else in the process. */
const eventsAtOnceMax = 500;
const refusalsAtOnceMax = 8;
const retryMs = 500;

type Refused = Extract<SubmitResult, { status: 'refused' }>;

/** A foreign record with its events, and what was refused of it. */
interface Translated {
  readonly record: LogRecord;
  readonly place: ForeignPlace;
  readonly events: readonly IncomingEvent[];
  readonly refused: RefusedEvent[];
}

const refusal = (code: FaultCode, detail: string): Translation => ({
  ...{ refusal: { code, pointer: '', detail }, urn: null, entityType: null, aspect: null },
});

/** One record in our words. Rejects only with REGISTRY_UNAVAILABLE. */
async function translate(work: BatchWork, record: LogRecord, place: ForeignPlace): Promise<Translation> {
  const { value } = record;
  if (value === null) return refusal('EVENT_SHAPE', 'the record has no value');
  try {
    const guid = azureId(record.headers);
    const id = guid ?? confluentId(value);
    if (id === undefined)
      return refusal('SCHEMA_UNKNOWN', 'the record does not name its schema: no framing, no content-type');
    const schema = await work.schemas.find(id);
    if (schema === undefined) return refusal('SCHEMA_UNKNOWN', `the registry knows no schema ${id}`);
    return work.dialect.translate(schema, guid === undefined ? unframe(value) : value, place);
  } catch (error) {
    if (isFault(error, 'AVRO_INVALID')) return refusal(error.code, String(error.facts.reason));
    throw error;
  }
}

async function translated(work: BatchWork, partition: number, record: LogRecord): Promise<Translated> {
  const { source, topic } = work;
  const place = { source, topic, partition, offset: record.offset, appendTime: record.appendTime };
  const translation = await translate(work, record, place);
  return 'events' in translation
    ? { record, place, events: translation.events, refused: [] }
    : { record, place, events: [], refused: [{ index: 0, ...translation }] };
}

const isDone = (result: SubmitResult): boolean =>
  result.status === 'appended' ||
  (result.status === 'refused' &&
    faults[result.code].remedy !== 'retry' &&
    faults[result.code].remedy !== 'halt');

/**
 * Sends events until each is in the log or refused for what it is. Those of one URN stay in order: where the log does not
 * answer, intake appends nothing that comes after. Rejects with the fault of a log that needs somebody.
 */
async function submitAll(
  { intake, principal, clock }: BatchWork,
  events: readonly IncomingEvent[],
  signal: AbortSignal,
): Promise<readonly SubmitResult[]> {
  const results: SubmitResult[] = [];
  let open = events.map((event, index) => ({ event, index }));
  for (;;) {
    const answers = await intake.submitEvents(
      open.map(({ event }) => event),
      principal,
    );
    for (const [i, { index }] of open.entries()) results[index] = answers[i]!;
    const halted = answers.find((one) => one.status === 'refused' && faults[one.code].remedy === 'halt');
    if (halted?.status === 'refused') throw new Fault(halted.code, { reason: halted.detail });
    open = open.filter(({ index }) => !isDone(results[index]!));
    if (open.length === 0) return results;
    await clock.wait(retryMs, signal);
  }
}

function noteRefused({ events, refused }: Translated, index: number, result: Refused): void {
  const { code, pointer, detail } = result;
  const { urn, aspect } = events[index]!;
  refused.push({ index, refusal: { code, pointer, detail }, urn, entityType: null, aspect });
}

/** Whether nothing of the record's content may be kept: also where it was refused for another reason. */
const isPersonal = (rules: Rules, { refused }: Translated): boolean =>
  refused.some(
    ({ refusal: { code }, urn, entityType, aspect }) =>
      code === 'SEALING_REQUIRED' ||
      mayBePersonal(rules, entityType, aspect) ||
      mayBePersonal(rules, urn === null ? null : entityTypeOf(urn), aspect),
  );

/**
 * Settles records of one foreign partition: when it resolves, each of their events is in the log, or the record is kept among
 * the refused. Rejects with a Fault where the world does not let it, or with the signal's reason; doing it again has no second
 * effect.
 */
export async function settleBatch(
  work: BatchWork,
  partition: number,
  records: readonly LogRecord[],
  signal: AbortSignal,
): Promise<BatchCounts> {
  const counts = { appended: 0, repeated: 0, refused: 0 };
  for (let from = 0; from < records.length; from += eventsAtOnceMax) {
    signal.throwIfAborted();
    const slice: Translated[] = [];
    for (const record of records.slice(from, from + eventsAtOnceMax))
      slice.push(await translated(work, partition, record));
    const sent = slice.flatMap((one) => one.events.map((event, index) => ({ one, event, index })));
    const results = await submitAll(
      work,
      sent.map(({ event }) => event),
      signal,
    );
    for (const [i, { one, index }] of sent.entries()) {
      const result = results[i]!;
      if (result.status === 'refused') noteRefused(one, index, result);
      else if (result.status === 'appended') counts[result.repeated === true ? 'repeated' : 'appended'] += 1;
    }
    const refused = slice.filter((one) => one.refused.length > 0);
    const kept = inOrder(refused, refusalsAtOnceMax, (one) =>
      work.store.refuse(one.place, one.record, one.refused, isPersonal(work.rules, one)),
    );
    for await (const _ of kept) counts.refused += 1;
  }
  return counts;
}
