import { Fault } from '../domain/fault.ts';
import { type AvroSchema, parseAvroSchema } from '../formats/avro-schema.ts';
import type { SchemaId, SchemaRegistry } from '../ports/schema-registry.ts';

/** Schemas of a registry by id, as foreign records name them. */
export interface ForeignSchemas {
  /**
   * The schema, or undefined where the registry clearly says that there is none. Rejects with REGISTRY_UNAVAILABLE, and with
   * AVRO_INVALID for a text that is no schema.
   */
  find(id: SchemaId): Promise<AvroSchema | undefined>;
}

/** Ids in records are anybody's: no more are remembered than this. */
const schemasMax = 1_000;
const textCharsMax = 1024 * 1024;

/** What an id means never changes, so what was found is kept; what was not is asked for again. */
export function foreignSchemas(registry: Pick<SchemaRegistry, 'lookup'>): ForeignSchemas {
  const known = new Map<SchemaId, AvroSchema>();
  return {
    async find(id) {
      const found = known.get(id);
      if (found !== undefined) return found;
      const text = await registry.lookup(id);
      if (text === undefined) return undefined;
      const schema = parse(text);
      if (known.size >= schemasMax) known.delete(known.keys().next().value!);
      known.set(id, schema);
      return schema;
    },
  };
}

function parse(text: string): AvroSchema {
  if (text.length > textCharsMax) throw new Fault('AVRO_INVALID', { reason: 'schema: too large' });
  try {
    return parseAvroSchema(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) throw new Fault('AVRO_INVALID', { reason: 'schema: not JSON' }, error);
    throw error;
  }
}
