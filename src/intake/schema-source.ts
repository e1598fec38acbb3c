import { type Fault, isFault } from '../domain/fault.ts';
import { eventSchemaSha256, eventSchemaText } from '../formats/event.ts';
import type { SchemaRef } from '../ports/schema-registry.ts';

/**
 * Makes a schema findable for ever before the first event that names it: the archive's `schemas/<sha256>.json`, then the
 * registry under the topic's subject. Answers how the registry names it.
 */
export type EnsureSchema = (sha256: string, text: string) => Promise<SchemaRef>;

export interface SchemaSource {
  /** How the registry names the event schema, or the fault that keeps it from being registered; then asked again. */
  ref(): Promise<SchemaRef | Fault>;
  known(): SchemaRef | undefined;
}

/** Asks once, whoever waits; `onFault` hears of every failure. */
export function schemaSource(ensure: EnsureSchema, onFault: (fault: Fault) => void): SchemaSource {
  let asked: Promise<SchemaRef | Fault> | undefined;
  let known: SchemaRef | undefined;

  async function ask(): Promise<SchemaRef | Fault> {
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
    ref() {
      asked ??= ask();
      return asked;
    },
    known: () => known,
  };
}
