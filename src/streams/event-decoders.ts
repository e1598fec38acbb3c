import type { LogRecord } from '../domain/event.ts';
import { Fault } from '../domain/fault.ts';
import { type AvroSchema, parseAvroSchema } from '../formats/avro-schema.ts';
import { eventSchemaSha256 } from '../formats/event.ts';
import { decodeEventBySchema } from '../formats/event-by-schema.ts';
import { schemaSha256 } from '../formats/json-canonical.ts';
import type { TruthStore } from '../ports/archive.ts';
import { type ForeignDecoder, hasIntakeHeaders } from '../projections/read-record.ts';
import { schemaName } from './archive-names.ts';

/** Decodes events of every schema version that the archive holds. */
export interface EventDecoders {
  /** Looks up, in the archive, the schemas that these records name and that are not known yet. */
  ensure(records: readonly LogRecord[], epoch: number): Promise<void>;
  readonly decode: ForeignDecoder;
}

const schemaHeader = Buffer.from('annal-schema');
const ourSchema = Buffer.from(eventSchemaSha256);
const sha256Text = /^[0-9a-f]{64}$/u;
/** Names in headers are anybody's: so many that the archive does not hold are remembered, then they are forgotten. */
const absentMax = 1_000;

/**
 * Intake puts a schema into the archive before it appends the first event that names it, so what is not there when a
 * record is read was not written by intake: such a record is undecodable, now and in every replay.
 */
export function openEventDecoders(truth: TruthStore): EventDecoders {
  // Only intake writes them: there are as many as there were versions of the event's schema.
  const schemas = new Map<string, AvroSchema>();
  const absent = new Set<string>();

  async function lookUp(sha256: string): Promise<AvroSchema | undefined> {
    const text = await truth.read(schemaName(sha256));
    if (text === undefined) return undefined;
    if (schemaSha256(text.toString('utf8')) !== sha256)
      throw new Fault('ARCHIVE_CORRUPT', { blob: schemaName(sha256), reason: 'not the text its name says' });
    return parseAvroSchema(JSON.parse(text.toString('utf8')));
  }

  return {
    async ensure(records, epoch) {
      for (const record of records) {
        if (hasIntakeHeaders(record, epoch)) continue;
        for (const [name, value] of record.headers) {
          if (value === null || !schemaHeader.equals(name) || ourSchema.equals(value)) continue;
          const sha256 = Buffer.from(value).toString('latin1');
          if (!sha256Text.test(sha256) || schemas.has(sha256) || absent.has(sha256)) continue;
          const schema = await lookUp(sha256);
          if (schema !== undefined) schemas.set(sha256, schema);
          else if (absent.size < absentMax) absent.add(sha256);
          else absent.clear();
        }
      }
    },
    decode(sha256, avro) {
      const schema = schemas.get(sha256);
      return schema === undefined ? undefined : decodeEventBySchema(schema, avro);
    },
  };
}
