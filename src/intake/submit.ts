import type { Header } from '../domain/event.ts';
import { type Fault, type FaultCode, isFault } from '../domain/fault.ts';
import type { Principal } from '../domain/policy.ts';
import type { Position } from '../domain/position.ts';
import { urnFault } from '../domain/urn.ts';
import { uuid8 } from '../formats/uuid8.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { SchemaRef } from '../ports/schema-registry.ts';
import { type Admitted, admit, type Rules } from './admit.ts';
import { type EventAppender, eventAppender, type Fate } from './append-events.ts';
import { type Checked, resultOf } from './checked-event.ts';
import { deadlineIn } from './deadline.ts';
import { type EpochGuard, epochGuard } from './epoch-guard.ts';
import { readEventShape, urnIn } from './event-shape.ts';
import { gate } from './gate.ts';
import { type IdempotencyKeys, idempotencyKeys, isIdempotencyKey } from './idempotency-keys.ts';
import type { IncomingEvent } from './incoming-event.ts';
import { fillRecentIds, recentIds, recentIdsMax } from './recent-ids.ts';
import { envelopeBytes, recordHeaders } from './record-headers.ts';
import { orRefusal, type Refusal } from './refusal.ts';
import { judgeValue, type RequestItem, readRequest } from './request.ts';
import { type EnsureSchema, type SchemaSource, schemaSource } from './schema-source.ts';

/** A request as it came: bounded and parsed by intake, nowhere before. */
export interface Submission {
  readonly body: Uint8Array;
  readonly principal: Principal;
  readonly idempotencyKey?: string;
  /** W3C trace context; passed on when it is well formed, else left out. */
  readonly traceparent?: string;
}

/**
 * What became of one event. `refused`: it is not in the log, and `faults[code].remedy` says whether to try again. `unknown`: it
 * may be in the log; sending it again with the same id has no second effect. `repeated`: it was there before.
 */
export type SubmitResult =
  | {
      readonly status: 'appended';
      readonly urn: string;
      readonly aspect: string | null;
      readonly id: string;
      readonly position: Position;
      readonly repeated?: true;
    }
  | {
      readonly status: 'refused';
      readonly code: FaultCode;
      /** RFC 6901, within the event. */
      readonly pointer: string;
      readonly detail: string;
      readonly urn?: string;
      readonly id?: string;
    }
  | {
      readonly status: 'unknown';
      readonly code: 'APPEND_UNKNOWN';
      readonly urn: string;
      readonly id: string;
      readonly detail: string;
    };

/** Results in the order of the events, or why nothing of the body was looked at. */
export type Submitted =
  | { readonly kind: 'one' | 'many'; readonly results: readonly SubmitResult[] }
  | { readonly kind: 'invalid'; readonly fault: Refusal };

export interface IntakeStatus {
  /** The registry's id of the event schema; undefined until it was needed and registered. */
  readonly schemaId: SchemaRef['id'] | undefined;
  readonly queuedEvents: number;
  readonly queuedBytes: number;
  readonly queuedBytesMax: number;
  /** Partitions whose last append failed, and why. */
  readonly failing: ReadonlyMap<number, FaultCode>;
  /** The epoch takes nothing in any more. */
  readonly closed: boolean;
}

/** The only way into the log. */
export interface Intake extends AsyncDisposable {
  /**
   * Takes one event (a JSON object) or up to 1,000 (an array). An event that is refused does not stop the others; those of
   * one URN are appended in their order. Never rejects for what is sent or for a world that is away. Ids: the event's, else
   * named by the Idempotency-Key, else a new one.
   */
  submit(submission: Submission): Promise<Submitted>;
  /** The same for events that a bridge has translated. Bridges give every event an id. */
  submitEvents(events: readonly IncomingEvent[], principal: Principal): Promise<readonly SubmitResult[]>;
  /**
   * Appends events again that were appended to an earlier epoch behind its end, under their ids and as they are: they were
   * checked when they came.
   */
  republish(events: readonly Admitted[]): Promise<readonly SubmitResult[]>;
  /** The epoch ends: appends nothing more. Resolves once no append is under way. */
  closeEpoch(): Promise<void>;
  status(): IntakeStatus;
  /** Takes nothing more; what waits is appended or answered within the deadline. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface IntakeOptions extends Rules {
  /** Left open when intake is closed. */
  readonly log: EventLog;
  readonly ensureSchema: EnsureSchema;
  /** Of the refs that `ensureSchema` gives; Confluent's by default. */
  readonly schemaKind?: SchemaRef['kind'];
  /** Whether the log's epoch is marked closed. */
  readonly isClosed: () => Promise<boolean>;
  readonly clock: Clock;
  /** A UUID of version 7. */
  readonly newId: () => string;
  /** Callers wait so long for the log. */
  readonly deadlineMs: number;
  /** Everything that went wrong with log or registry, also what is tried again. */
  readonly onFault: (fault: unknown, partition: number | undefined) => void;
  /** Of events that wait for the log: 64 MiB, and 16 MiB per partition. */
  readonly queueBytesMax?: number;
  readonly partitionQueueBytesMax?: number;
  /** For reading the end of the log at start, 10 s. */
  readonly fillMs?: number;
}

const mebibyte = 1024 * 1024;
const fillBytesMax = 32 * mebibyte;
const keysMax = 10_000;

const shownUrn = (urn: string | undefined): string | undefined =>
  urn !== undefined && urnFault(urn) === undefined ? urn : undefined;

/** What intake consists of once it is open. */
interface Desk {
  readonly options: IntakeOptions;
  readonly appender: EventAppender;
  readonly schema: SchemaSource;
  readonly keys: IdempotencyKeys;
  readonly guard: EpochGuard;
  readonly headersFor: (traceparent?: string) => readonly Header[];
}

const away = (code: FaultCode, detail: string): Fate => ({
  kind: 'refused',
  refusal: { code, pointer: '', detail },
});

/** The fates of admitted events, within the deadline. */
async function appendAll(
  { options, schema, appender }: Desk,
  admitted: readonly Admitted[],
  headers: readonly Header[],
): Promise<readonly Fate[]> {
  const { clock, deadlineMs } = options;
  await using deadline = deadlineIn(clock, deadlineMs);
  const ref = await Promise.race([schema.ref(), deadline.passed]);
  if (ref !== undefined && !isFault(ref))
    return await appender.append(admitted, { schema: ref, headers, deadline: deadline.passed });
  const fate =
    ref === undefined
      ? away('REGISTRY_UNAVAILABLE', `the event schema was not registered within ${deadlineMs} ms`)
      : away(ref.code, ref.message);
  return admitted.map(() => fate);
}

async function finish(
  desk: Desk,
  checked: readonly Checked[],
  headers: readonly Header[],
): Promise<readonly SubmitResult[]> {
  const admitted = checked.flatMap((one) => ('taken' in one ? [one.taken] : []));
  const fates = admitted.length === 0 ? [] : await appendAll(desk, admitted, headers);
  let next = 0;
  return checked.map((one) => resultOf(one, 'taken' in one ? fates[next++] : undefined));
}

interface Sender {
  readonly principal: Principal;
  readonly newId: () => string;
  readonly headers: readonly Header[];
}

const check = ({ options }: Desk, incoming: IncomingEvent, { principal, newId, headers }: Sender): Admitted =>
  admit(incoming, options, {
    ...{ principal, newId, nowMs: options.clock.now() },
    envelopeBytes: envelopeBytes(headers, options.schemaKind),
  });

function checkItem(desk: Desk, item: RequestItem, sender: Sender): Checked {
  if ('refusal' in item) return { refusal: item.refusal, urn: undefined };
  const { bytes, span } = item;
  const checked = orRefusal(() => check(desk, readEventShape(bytes, span), sender));
  return 'taken' in checked ? checked : { ...checked, urn: shownUrn(urnIn(bytes, span)) };
}

const invalid = (code: FaultCode, detail: string): Submitted => ({
  kind: 'invalid',
  fault: { code, pointer: '', detail },
});

async function submitBody(desk: Desk, submission: Submission): Promise<Submitted> {
  const { body, principal, idempotencyKey: key, traceparent } = submission;
  if (key !== undefined && !isIdempotencyKey(key))
    return invalid('EVENT_SHAPE', 'an Idempotency-Key is 1 to 256 printable ASCII characters');
  const request = readRequest(body);
  if (request.kind === 'invalid') return request;
  if (key !== undefined && !desk.keys.fits(principal.name, key, body))
    return invalid('IDEMPOTENCY_CONFLICT', 'this Idempotency-Key was used with another body');
  const headers = desk.headersFor(traceparent);
  const checked = request.items.map((item, index) => {
    const newId =
      key === undefined
        ? desk.options.newId
        : () => uuid8('annal-id/idempotency', principal.name, key, String(index));
    return checkItem(desk, item, { principal, newId, headers });
  });
  if (key !== undefined && checked.some((one) => 'taken' in one)) desk.keys.note(principal.name, key, body);
  return { kind: request.kind, results: await finish(desk, checked, headers) };
}

async function submitTranslated(
  desk: Desk,
  events: readonly IncomingEvent[],
  principal: Principal,
): Promise<readonly SubmitResult[]> {
  const sender: Sender = { principal, newId: desk.options.newId, headers: desk.headersFor() };
  const checked = events.map((incoming): Checked => {
    const one = orRefusal(() => {
      if (incoming.value !== null) judgeValue(incoming.value);
      return check(desk, incoming, sender);
    });
    return 'taken' in one ? one : { ...one, urn: shownUrn(incoming.urn) };
  });
  return finish(desk, checked, sender.headers);
}

/** What was checked when it came: as it is, under the headers of this epoch. */
const republishAll = (desk: Desk, events: readonly Admitted[]): Promise<readonly SubmitResult[]> =>
  finish(
    desk,
    events.map((taken) => ({ taken })),
    desk.headersFor(),
  );

/**
 * Opens intake over one epoch's log, after it has read the log's end (for `repeated`), at most `fillMs`. Works while the log
 * or the registry is away: events are then refused with LOG_UNAVAILABLE or REGISTRY_UNAVAILABLE, to be sent again.
 */
export async function openIntake(options: IntakeOptions): Promise<Intake> {
  const { log, clock, onFault, deadlineMs, fillMs = 10_000 } = options;
  const { queueBytesMax = 64 * mebibyte, partitionQueueBytesMax = 16 * mebibyte } = options;
  const idsMax = recentIdsMax(log.partitions);
  const recent = recentIds(idsMax);
  const fill = { log, clock, idsMax, bytesMax: fillBytesMax, waitMs: fillMs };
  for (const fault of await fillRecentIds(recent, fill)) onFault(fault, undefined);
  const bounds = { bytesMax: queueBytesMax, partitionBytesMax: partitionQueueBytesMax };
  const told = (fault: Fault): void => onFault(fault, undefined);
  const guard = epochGuard({ ...options, epoch: log.epoch, onFault: told });
  const desk: Desk = {
    options,
    guard,
    appender: eventAppender(log, recent, { clock, onFault, guard, ...bounds }),
    schema: schemaSource(options.ensureSchema, told),
    keys: idempotencyKeys(keysMax),
    headersFor: recordHeaders(log.epoch),
  };
  const { queue } = desk.appender;
  const open = gate();

  async function close(): Promise<void> {
    await open.close();
    await using late = deadlineIn(clock, deadlineMs);
    await Promise.race([queue.idle(), late.passed]);
  }

  let closing: Promise<void> | undefined;
  return {
    submit: (submission) => open.run(() => submitBody(desk, submission)),
    submitEvents: (events, principal) => open.run(() => submitTranslated(desk, events, principal)),
    republish: (events) => open.run(() => republishAll(desk, events)),
    async closeEpoch() {
      guard.close();
      await queue.idle();
    },
    status: () => ({
      schemaId: desk.schema.known()?.id,
      queuedEvents: queue.records,
      queuedBytes: queue.bytes,
      queuedBytesMax: queueBytesMax,
      failing: queue.failing(),
      closed: guard.closed,
    }),
    [Symbol.asyncDispose]() {
      closing ??= close();
      return closing;
    },
  };
}
