import { hash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type FaultCode, faults } from '../../domain/fault.ts';
import { scanJson } from '../../formats/json-text.ts';
import { type Call, problemIn } from './call.ts';
import { Failure } from './failure.ts';

/** One event to send. `at`: what it is called when it is refused, as `line 17`. */
export interface Outgoing {
  readonly at: string;
  /** JSON text; undefined: longer than a request may be. */
  readonly bytes: Uint8Array | undefined;
}

/** What became of one: as the API tells it, with where it came from. */
export interface Sent {
  readonly at: string;
  readonly status: 'appended' | 'refused' | 'unknown';
  readonly position?: string;
  readonly repeated?: true;
  readonly code?: string;
  readonly pointer?: string;
  readonly detail?: string;
  readonly urn?: string;
  readonly aspect?: string | null;
  readonly id?: string;
}

type Told = Omit<Sent, 'at'>;

export const eventsPerBatchMax = 500;
const batchBytesMax = 4 * 1024 * 1024;
const eventBytesMax = 7 * 1024 * 1024;
/** The body is one level above its events, and is judged as a whole: one event too deep would take the others along. */
const depthMax = 500;
const triesMax = 5;
const retryFirstMs = 500;

/**
 * Sends events in batches, in their order, and yields what became of each, in the same order. A batch has an
 * Idempotency-Key made from its bytes, so sending the same file again names the same ids; within the batch an event that
 * is refused does not stop the others. What may pass by itself is tried five times. Rejects with the `Failure` of a request that
 * cannot be answered at all.
 */
export async function* sendEvents(
  call: Call,
  events: AsyncIterable<Outgoing> | Iterable<Outgoing>,
  signal: AbortSignal,
): AsyncGenerator<readonly Sent[]> {
  let batch: Outgoing[] = [];
  let bytes = 0;
  for await (const event of events) {
    signal.throwIfAborted();
    batch.push(event);
    bytes += event.bytes?.length ?? 0;
    if (batch.length < eventsPerBatchMax && bytes < batchBytesMax) continue;
    yield await sendBatch(call, batch, signal);
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield await sendBatch(call, batch, signal);
}

interface Judged {
  readonly event: Outgoing;
  readonly refusal: Told | undefined;
}

/** What would spoil the request as a whole is refused here, so that it is refused alone. */
function judge(event: Outgoing): Judged {
  const refused = (code: FaultCode, detail: string): Judged => ({
    event,
    refusal: { status: 'refused', code, pointer: '', detail },
  });
  const { bytes } = event;
  if (bytes === undefined || bytes.length > eventBytesMax)
    return refused('BODY_TOO_LARGE', `longer than the ${eventBytesMax} bytes that one event may have`);
  const verdict = scanJson(bytes, { spanDepth: 0, depthMax, syntaxOnly: true });
  if (verdict.verdict !== 'accept')
    return refused(verdict.verdict, `${faults[verdict.verdict].about} (byte ${verdict.at})`);
  if (verdict.root.kind !== 'object') return refused('EVENT_SHAPE', 'an event is a JSON object');
  return { event, refusal: undefined };
}

async function sendBatch(
  call: Call,
  batch: readonly Outgoing[],
  signal: AbortSignal,
): Promise<readonly Sent[]> {
  const judged = batch.map(judge);
  const good = judged.flatMap(({ event, refusal }) => (refusal === undefined ? [event.bytes!] : []));
  const told = good.length === 0 ? [] : await post(call, good, signal);
  let next = 0;
  return judged.map(({ event: { at }, refusal }) => ({ at, ...(refusal ?? told[next++]!) }));
}

const tooMuch: ReadonlySet<string> = new Set(['BODY_TOO_LARGE', 'JSON_TOO_LARGE', 'TOO_MANY_EVENTS']);

/** One request; where it is more than one request may be, two of half of it. */
async function post(
  call: Call,
  events: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<readonly Told[]> {
  const answer = await tried(call, bodyOf(events), signal);
  if (Array.isArray(answer)) return answer;
  const { code, pointer = '', detail } = answer as Exclude<typeof answer, readonly Told[]>;
  if (events.length === 1) return [{ status: 'refused', code, pointer, detail }];
  const half = events.length >> 1;
  return [
    ...(await post(call, events.slice(0, half), signal)),
    ...(await post(call, events.slice(half), signal)),
  ];
}

/** Results, or why the body as a whole is more than one request may be. */
async function tried(
  call: Call,
  body: Buffer,
  signal: AbortSignal,
): Promise<readonly Told[] | ReturnType<typeof problemIn>> {
  const headers = { 'idempotency-key': `publish-${hash('sha256', body, 'hex')}` };
  let before: readonly Told[] | undefined;
  for (let tries = 1; ; tries += 1) {
    const answer = await call('POST', '/v1/events', { body, headers, signal });
    if (answer.status === 200) {
      const { results } = JSON.parse(answer.text) as { results: readonly Told[] };
      const told = results.map((result, at) => (before?.[at]?.status === 'appended' ? before[at] : result));
      if (tries >= triesMax || !told.some(mayPass)) return told;
      before = told;
    } else {
      const problem = problemIn(answer);
      if (tooMuch.has(problem.code)) return problem;
      const passes = answer.status === 503 || answer.status === 429;
      if (!passes || tries >= triesMax) throw new Failure(problem);
    }
    await wait(retryFirstMs * 2 ** (tries - 1), undefined, { signal });
  }
}

const mayPass = ({ status, code }: Told): boolean =>
  status !== 'appended' &&
  code !== undefined &&
  code in faults &&
  faults[code as FaultCode].remedy === 'retry';

const bodyOf = (events: readonly Uint8Array[]): Buffer =>
  Buffer.concat([
    Buffer.from('['),
    ...events.flatMap((event, at) => (at === 0 ? [event] : [Buffer.from(','), event])),
    Buffer.from(']'),
  ]);
