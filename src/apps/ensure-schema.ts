import type { Ports } from '../composition/compose.ts';
import type { EnsureSchema } from '../intake/schema-source.ts';
import { schemaName, schemaRefName, subjectOf } from '../streams/archive-names.ts';
import type { Log } from './runtime.ts';

/**
 * Makes a schema of the log's events findable for ever: in the archive under its hash, at the registry, and in the archive what
 * the registry's id means. Where an id meant another schema before, an error is told and nothing else changes: events name
 * their schema by its hash, and other people's tools, which go by the id, have to know.
 */
export const ensureSchemaIn =
  (
    { archive: { truth }, registry }: Pick<Ports, 'archive' | 'registry'>,
    log: string,
    say: Log,
  ): EnsureSchema =>
  async (sha256, text) => {
    const ref = await registry.register(subjectOf(log), text);
    await truth.create(schemaName(sha256), Buffer.from(text));
    const meaning = Buffer.from(`{"sha256":"${sha256}"}`);
    if ((await truth.create(schemaRefName(ref), meaning)) === 'created') return ref;
    const before = await truth.read(schemaRefName(ref));
    if (before !== undefined && !before.equals(meaning))
      say('error', 'registry id of another schema', {
        ...{ id: ref.id, sha256, before: before.toString('utf8', 0, 200) },
      });
    return ref;
  };
