import { type Fault, isFault } from '../domain/fault.ts';
import { eventSchemaSha256, eventSchemaText } from '../formats/event.ts';

/**
 * Makes a schema findable for ever before the first event that names it: the archive's `schemas/<sha256>.json`, then the
 * registry under the topic's subject. Answers the registry's id.
 */
export type EnsureSchema = (sha256: string, text: string) => Promise<number>;

export interface SchemaSource {
  /** The registry's id of the event schema, or the fault that keeps it from being registered; then asked again. */
  id(): Promise<number | Fault>;
  known(): number | undefined;
}

/** Asks once, whoever waits; `onFault` hears of every failure. */
export function schemaSource(ensure: EnsureSchema, onFault: (fault: Fault) => void): SchemaSource {
  let asked: Promise<number | Fault> | undefined;
  let known: number | undefined;

  async function ask(): Promise<number | Fault> {
    try {
      known = await ensure(eventSchemaSha256, eventSchemaText);
      return known;
    } catch (error) {
      asked = undefined;
      if (!isFault(error)) throw error;
      onFault(error);
      return error;
    }
  }

  return {
    id() {
      asked ??= ask();
      return asked;
    },
    known: () => known,
  };
}
