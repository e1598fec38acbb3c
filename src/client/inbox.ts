import { limits, mustNotExist } from '../domain/event.ts';
import { isFault } from '../domain/fault.ts';
import { type Position, parsePosition } from '../domain/position.ts';
import { encodeEvent, eventSchemaText } from '../formats/event.ts';
import { frameConfluent } from '../formats/framing.ts';
import { checkedValue, type ReadyChange } from './change.ts';
import { divided } from './divided.ts';
import type { KafkaEndpoint } from './endpoint.ts';
import type { InboxProducer } from './inbox-producer.ts';
import { PublishError } from './publish-error.ts';
import { type RegistryOptions, registerSchema } from './register-schema.ts';
import type { Parcel, Transport, Verdict } from './transport.ts';

export interface InboxOptions {
  readonly endpoint: KafkaEndpoint;
  /** `<name>.inbox` of an Annal. */
  readonly topic: string;
  readonly registry: RegistryOptions;
  /** Shown to the broker. Default `annal-plugin`. */
  readonly clientId?: string;
}

/** Event Hubs ends a connection that sends 1,046,528 bytes at once; framing and headers need room. */
const bytesMax = 900_000;

/**
 * Publishes to the inbox topic of an Annal: acknowledged is what the broker keeps. Intake judges it afterwards, and keeps what
 * it refuses under `refused/`. The schema of events is registered under `<topic>-value` before the first sending. The Kafka
 * client is loaded then, too.
 */
export function inboxTransport({ endpoint, topic, registry, clientId }: InboxOptions): Transport {
  let schemaId: number | undefined;
  let opening: Promise<InboxProducer> | undefined;

  async function producer(): Promise<InboxProducer> {
    opening ??= import('./inbox-producer.ts').then(({ openProducer }) =>
      openProducer({ endpoint, topic, clientId: clientId ?? 'annal-plugin' }),
    );
    return opening;
  }

  return {
    ...{ where: 'inbox', address: `${endpoint.brokers.join(',')}/${topic}`, changesMax: 500, bytesMax },
    pack(change) {
      const bytes = eventBytes(change);
      if (bytes.length > limits.recordBytesMax)
        throw new PublishError('RECORD_TOO_LARGE', {
          detail: `the event has ${bytes.length} bytes, at most ${limits.recordBytesMax} are taken`,
        });
      return { change, bytes };
    },
    async send(parcels: readonly Parcel[], signal: AbortSignal): Promise<readonly Verdict[]> {
      signal.throwIfAborted();
      schemaId ??= await registerSchema(registry, `${topic}-value`, eventSchemaText, signal);
      const id = schemaId;
      const { send } = await producer();
      const once = async (some: readonly Parcel[]): Promise<readonly Verdict[]> => {
        const records = some.map((one) => ({ key: one.change.urn, value: frameConfluent(id, one.bytes) }));
        const places = await send(records, signal);
        return places.map((position) => ({ place: { where: 'inbox', position }, repeated: false }));
      };
      return divided(parcels, once, ({ code }) => code !== 'RECORD_TOO_LARGE');
    },
    async [Symbol.asyncDispose]() {
      await (await opening)?.close();
    },
  };
}

/** What only intake decides is left empty: it decides it anyway. */
function eventBytes(change: ReadyChange): Buffer {
  const value = checkedValue(change);
  const { urn, aspect = null, id, occurredAt, actor = '', group = null, source } = change;
  try {
    return encodeEvent({
      ...{ urn, aspect, change: change.change ?? 'UPSERT', id, occurredAt, actor, group, value },
      ...{ namespace: '', entityType: '', recordedBy: '', aspectSchema: null },
      expect: expected(change.expect),
      source:
        source === undefined
          ? null
          : {
              ...{ plugin: source.plugin, version: source.version ?? '', runId: source.runId ?? '' },
              foreign: new Map(Object.entries(source.foreign ?? {})),
            },
      correlationId: change.correlationId ?? null,
      causationId: change.causationId ?? null,
    });
  } catch (error) {
    if (!isFault(error, 'AVRO_INVALID')) throw error;
    throw new PublishError('EVENT_SHAPE', { detail: String(error.facts.reason), cause: error });
  }
}

function expected(text: string | undefined): Position | null {
  if (text === undefined) return null;
  const position = text === 'absent' ? mustNotExist : parsePosition(text);
  if (position === undefined)
    throw new PublishError('EVENT_SHAPE', { pointer: '/expect', detail: 'is a position, or `absent`' });
  return position;
}
