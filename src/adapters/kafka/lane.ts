import { Fault } from '../../domain/fault.ts';
import type { Batch, Lane } from '../../ports/event-log.ts';
import { WireError } from './byte-reader.ts';
import { errorType, reasonOf, unavailable, unlessAborted } from './failures.ts';
import { type LanePlace, type RecordSource, recordSource } from './record-source.ts';
import type { KafkaSettings } from './settings.ts';

const triesMax = 2;

export interface KafkaLane extends Lane {
  /** Ends the lane from outside: its pull, now or later, rejects with `fault`. */
  end(fault: Fault): void;
}

/**
 * A lane that asks the partition's leader for the next records only when it is pulled, on a connection of its own: no other
 * lane waits behind its long poll, and an offset out of range is an answer, not a silent reset. A broken connection is
 * replaced once before the pull fails.
 */
export function kafkaLane(settings: KafkaSettings, place: LanePlace, start: number): KafkaLane {
  const source = recordSource(settings, place, start);
  const gone = new AbortController();
  let pulling = false;
  let spent: { readonly reason: unknown } | undefined;

  const spend = (reason: unknown): void => {
    spent ??= { reason };
    source.close();
  };

  const nextBatch = async (): Promise<Batch> => {
    for (let tries = 1; ; ) {
      try {
        const batch = await source.some();
        if (spent !== undefined) throw spent.reason;
        if (batch !== undefined) return batch;
        tries = 1;
      } catch (error) {
        if (spent !== undefined) throw spent.reason;
        await recover(source, error, tries);
        settings.onNotice?.({
          what: 'lane reconnects',
          facts: { ...source.facts, reason: reasonOf(error) },
        });
        tries += 1;
      }
    }
  };

  return {
    partition: place.partition,
    get next() {
      return source.next;
    },
    async pull(signal) {
      if (pulling) throw new Error('a lane takes one pull at a time');
      pulling = true;
      try {
        signal.throwIfAborted();
        if (spent !== undefined) throw spent.reason;
        return await unlessAborted(nextBatch(), [signal, gone.signal]);
      } catch (error) {
        spend(error);
        throw error;
      } finally {
        pulling = false;
      }
    },
    end(fault) {
      spend(fault);
      gone.abort(fault);
    },
  };
}

/** Makes the source ready to be asked again; rejects with the lane's fault when that is of no use. */
async function recover(source: RecordSource, error: unknown, tries: number): Promise<void> {
  source.reset();
  if (error instanceof Fault) throw error;
  if (errorType(error) === 'OFFSET_OUT_OF_RANGE') {
    await source.checkBounds().catch((told: unknown) => {
      throw unavailable(source.facts, told);
    });
  }
  if (tries < triesMax) return;
  if (error instanceof WireError)
    throw new Fault('LOG_UNREADABLE', { ...source.facts, reason: error.message }, error);
  throw unavailable(source.facts, error);
}
