import type { Header } from '../domain/event.ts';
import type { Position } from '../domain/position.ts';
import { azureHeader, frameConfluent } from '../formats/framing.ts';
import { partitionOf } from '../formats/partition.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { SchemaRef } from '../ports/schema-registry.ts';
import type { Admitted } from './admit.ts';
import {
  type AppendOutcome,
  type AppendQueue,
  type AppendQueueOptions,
  appendQueue,
  type NewWaiting,
  type Waiting,
} from './append-queue.ts';
import { fingerprintOf, type RecentIds } from './recent-ids.ts';
import type { Refusal } from './refusal.ts';

/** What became of an event that was fit to be appended. */
export type Fate =
  | { readonly kind: 'appended'; readonly position: Position; readonly repeated: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'unknown'; readonly detail: string };

/** How the events of one submission travel. */
export interface Carriage {
  readonly schema: SchemaRef;
  readonly headers: readonly Header[];
  /** Resolves when the callers wait no longer. */
  readonly deadline: Promise<void>;
}

export interface EventAppender {
  /**
   * Appends what the log does not hold yet and answers in order. An id of the window or on its way is not appended again:
   * its first position is told, or IDEMPOTENCY_CONFLICT where it stood for another event.
   */
  append(admitted: readonly Admitted[], carriage: Carriage): Promise<readonly Fate[]>;
  readonly queue: AppendQueue;
}

/** Where the fate of one event will come from. */
type Source =
  | { readonly fate: Fate }
  | { readonly waiting: Waiting; readonly repeated: boolean }
  /** The same id earlier in the same submission. */
  | { readonly sameAs: number };

const refused = (code: Refusal['code'], pointer: string, detail: string): Source => ({
  fate: { kind: 'refused', refusal: { code, pointer, detail } },
});

const conflict = (): Source =>
  refused('IDEMPOTENCY_CONFLICT', '/id', 'this id stood for another event before');

export function eventAppender(
  log: EventLog,
  recent: RecentIds,
  options: Omit<AppendQueueOptions, 'log' | 'onSettled'>,
): EventAppender {
  const onItsWay = new Map<string, Waiting>();
  const queue = appendQueue({ ...options, log, onSettled: noteSettled });

  function noteSettled(waiting: Waiting, outcome: AppendOutcome): void {
    const { id, partition, fingerprint } = waiting;
    if (onItsWay.get(id) === waiting) onItsWay.delete(id);
    if (outcome.kind === 'appended') recent.note(id, { partition, offset: outcome.offset, fingerprint });
  }

  const positionOf = (partition: number, offset: number): Position => ({
    epoch: log.epoch,
    partition,
    offset,
  });

  /** The source of an event whose id is known from before; undefined = it is new. */
  function known(id: string, fingerprint: string): Source | undefined {
    const past = recent.find(id);
    if (past !== undefined) {
      if (past.fingerprint !== fingerprint) return conflict();
      return {
        fate: { kind: 'appended', position: positionOf(past.partition, past.offset), repeated: true },
      };
    }
    const waiting = onItsWay.get(id);
    if (waiting === undefined) return undefined;
    if (waiting.fingerprint !== fingerprint) return conflict();
    waiting.callers += 1;
    return { waiting, repeated: true };
  }

  /** Puts new events into the queue, partition by partition; there all or none of a submission's find room. */
  function pushAll(
    fresh: ReadonlyMap<number, readonly { index: number; made: NewWaiting }[]>,
    sources: Source[],
  ) {
    for (const [partition, events] of fresh) {
      const pushed = queue.push(
        partition,
        events.map(({ made }) => made),
      );
      for (const [i, { index, made }] of events.entries()) {
        if (pushed === 'busy') {
          sources[index] = refused('LOG_BUSY', '', 'too much waits for the log already');
          continue;
        }
        const waiting = pushed[i]!;
        onItsWay.set(made.id, waiting);
        sources[index] = { waiting, repeated: false };
      }
    }
  }

  function enqueue(admitted: readonly Admitted[], { schema, headers }: Carriage): readonly Source[] {
    const all = schema.kind === 'azure' ? [...headers, azureHeader(schema.id)] : headers;
    const sources: Source[] = [];
    const firsts = new Map<string, { readonly index: number; readonly fingerprint: string }>();
    const fresh = new Map<number, { index: number; made: NewWaiting }[]>();
    for (const [index, { event, avro }] of admitted.entries()) {
      const { id, urn } = event;
      const fingerprint = fingerprintOf(event);
      const first = firsts.get(id);
      if (first !== undefined) {
        sources[index] = first.fingerprint === fingerprint ? { sameAs: first.index } : conflict();
        continue;
      }
      const before = known(id, fingerprint);
      if (before !== undefined) {
        sources[index] = before;
        continue;
      }
      firsts.set(id, { index, fingerprint });
      const partition = partitionOf(urn, log.partitions);
      const value = schema.kind === 'azure' ? Buffer.from(avro) : frameConfluent(schema.id, avro);
      const record = { key: Buffer.from(urn), value, headers: all };
      const made = { id, fingerprint, record };
      const events = fresh.get(partition);
      if (events === undefined) fresh.set(partition, [{ index, made }]);
      else events.push({ index, made });
    }
    pushAll(fresh, sources);
    return sources;
  }

  function fateOf(source: Source, sources: readonly Source[]): Fate {
    if ('fate' in source) return source.fate;
    if ('sameAs' in source) {
      const fate = fateOf(sources[source.sameAs]!, sources);
      return fate.kind === 'appended' ? { ...fate, repeated: true } : fate;
    }
    const { waiting, repeated } = source;
    const { outcome } = waiting;
    switch (outcome?.kind) {
      case 'appended':
        return { kind: 'appended', position: positionOf(waiting.partition, outcome.offset), repeated };
      case 'not-appended':
        return { kind: 'refused', refusal: { code: outcome.code, pointer: '', detail: outcome.detail } };
      case 'unknown':
        return { kind: 'unknown', detail: outcome.detail };
      case undefined:
        return { kind: 'unknown', detail: 'the log had not confirmed it before the deadline' };
    }
  }

  return {
    queue,
    async append(admitted, carriage) {
      const sources = enqueue(admitted, carriage);
      const waiting = sources.flatMap((source) => ('waiting' in source ? [source.waiting] : []));
      if (waiting.length > 0) {
        await Promise.race([Promise.all(waiting.map(({ settled }) => settled)), carriage.deadline]);
        queue.leave(waiting.filter(({ outcome }) => outcome === undefined));
      }
      return sources.map((source) => fateOf(source, sources));
    },
  };
}
