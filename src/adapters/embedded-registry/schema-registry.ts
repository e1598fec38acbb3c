import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import { canonicalSchema, refuseBreaking } from '../../formats/avro-compat.ts';
import type { SchemaRegistry } from '../../ports/schema-registry.ts';
import { type Disk, isErrno, makeFolders, nodeDisk, readFile, writeNewFile } from '../file-log/disk.ts';

/** One registration, for ever: the content of `<id>.json`. */
interface Entry {
  readonly id: number;
  readonly subject: string;
  readonly schema: string;
}

export interface FolderSettings {
  /** Made when missing. */
  readonly dir: string;
  readonly disk?: Disk;
}

/**
 * A registry in a folder: `<id>.json` per registration, ids from 1 without holes. A file is written and synced under
 * another name and then linked, so the next id goes to one of several writers and the others look again. A schema equal as
 * JSON to one of its subject gets that one's id; another subject gives it another id.
 */
export function embeddedRegistry({ dir: folder, disk = nodeDisk }: FolderSettings): SchemaRegistry {
  const entries: Entry[] = [];
  let made: Promise<void> | undefined;

  const reached = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault('REGISTRY_UNAVAILABLE', { folder, reason: String(error) }, error);
    }
  };

  /** Reads what others registered since. */
  const readOn = async (): Promise<void> => {
    made ??= makeFolders(disk, folder).catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    await made;
    for (;;) {
      const id = entries.length + 1;
      const bytes = await readFile(disk, join(folder, `${id}.json`));
      if (entries.length >= id) continue; // Another call of this process was faster.
      if (bytes === undefined) return;
      entries.push(entryOf(bytes, id, folder));
    }
  };

  const latestOf = (subject: string): Entry | undefined =>
    entries.findLast((entry) => entry.subject === subject);

  /** Undefined when somebody else took the id. */
  const add = async (entry: Entry): Promise<Entry | undefined> => {
    const temporary = join(folder, `.${randomBytes(12).toString('hex')}.new`);
    await writeNewFile(disk, temporary, Buffer.from(`${JSON.stringify(entry)}\n`, 'utf8'));
    try {
      await disk.link(temporary, join(folder, `${entry.id}.json`));
      return entry;
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return undefined;
      throw error;
    } finally {
      await disk.remove(temporary);
      await disk.syncFolder(folder);
    }
  };

  return {
    place: folder,
    register: (subject, schemaText) =>
      reached(async () => {
        const canonical = canonicalSchema(subject, schemaText);
        for (;;) {
          await readOn();
          const same = entries.find(
            (entry) => entry.subject === subject && canonicalSchema(subject, entry.schema) === canonical,
          );
          if (same !== undefined) return { kind: 'confluent', id: same.id } as const;
          const latest = latestOf(subject);
          if (latest !== undefined) refuseBreaking(subject, schemaText, latest.schema);
          const added = await add({ id: entries.length + 1, subject, schema: schemaText });
          if (added !== undefined) return { kind: 'confluent', id: added.id } as const;
        }
      }),
    lookup: (id) =>
      reached(async () => {
        if (entries[id - 1] === undefined) await readOn();
        return entries[id - 1]?.schema;
      }),
    latest: (subject) =>
      reached(async () => {
        await readOn();
        const latest = latestOf(subject);
        return latest && { ref: { kind: 'confluent', id: latest.id }, schemaText: latest.schema };
      }),
    async [Symbol.asyncDispose]() {},
  };
}

function entryOf(bytes: Buffer, id: number, folder: string): Entry {
  const entry = JSON.parse(bytes.toString('utf8')) as Partial<Entry>;
  if (entry.id !== id || typeof entry.subject !== 'string' || typeof entry.schema !== 'string')
    throw new Fault('REGISTRY_UNAVAILABLE', { folder, file: `${id}.json`, reason: 'it is no registration' });
  return { id, subject: entry.subject, schema: entry.schema };
}
