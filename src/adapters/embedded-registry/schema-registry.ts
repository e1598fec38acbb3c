import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Fault } from '../../domain/fault.ts';
import { canonicalSchema, refuseBreaking } from '../../formats/avro-compat.ts';
import type { RegisteredSchema, SchemaRegistry } from '../../ports/schema-registry.ts';
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
  /** Characters of all schemas, and of one subject's: 256 Mi and 16 Mi by default. */
  readonly charsMax?: number;
  readonly subjectCharsMax?: number;
}

/** All of it is read at start and kept, and a version is compared with all before it. */
const entriesMax = 10_000;
const versionsMax = 1_000;
const mebi = 1024 * 1024;

/**
 * A registry in a folder: `<id>.json` per registration, ids from 1 without holes. A file is written and synced under
 * another name and then linked, so the next id goes to one of several writers and the others look again. A schema equal as
 * JSON to one of its subject gets that one's id; another subject gives it another id.
 */
export function embeddedRegistry(settings: FolderSettings): SchemaRegistry {
  const { dir: folder, disk = nodeDisk } = settings;
  const { charsMax = 256 * mebi, subjectCharsMax = 16 * mebi } = settings;
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

  /** Versions of a subject in their order: each counts one up from 1. */
  const entriesOf = (subject: string): readonly Entry[] =>
    entries.filter((entry) => entry.subject === subject);

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

  async function register(subject: string, schemaText: string): Promise<number> {
    const canonical = canonicalSchema(subject, schemaText);
    for (;;) {
      await readOn();
      const before = entriesOf(subject);
      const same = before.find((entry) => canonicalSchema(subject, entry.schema) === canonical);
      if (same !== undefined) return same.id;
      if (entries.length >= entriesMax || before.length >= versionsMax)
        throw new Fault('REGISTRY_FULL', { subject, entriesMax, versionsMax });
      const full = (among: readonly Entry[], most: number): boolean =>
        schemaText.length + among.reduce((sum, { schema }) => sum + schema.length, 0) > most;
      if (full(before, subjectCharsMax) || full(entries, charsMax))
        throw new Fault('REGISTRY_FULL', { subject, charsMax, subjectCharsMax });
      refuseBreaking(
        subject,
        schemaText,
        before.map(({ schema }, i) => ({ version: i + 1, schemaText: schema })),
      );
      const added = await add({ id: entries.length + 1, subject, schema: schemaText });
      if (added !== undefined) return added.id;
    }
  }

  /** What `look` finds among all that is registered by now. */
  const among = <T>(look: () => T): Promise<T> =>
    reached(async () => {
      await readOn();
      return look();
    });

  return {
    kind: 'confluent',
    place: folder,
    register: (subject, schemaText) =>
      reached(async () => ({ kind: 'confluent', id: await register(subject, schemaText) })),
    lookup: (id) =>
      reached(async () => {
        if (typeof id !== 'number') return undefined;
        if (entries[id - 1] === undefined) await readOn();
        return entries[id - 1]?.schema;
      }),
    subjects: () => among(() => [...new Set(entries.map(({ subject }) => subject))].sort()),
    versions: (subject) => among(() => entriesOf(subject).map((_, i) => i + 1)),
    version: (subject, version) =>
      among(() => {
        const entry = entriesOf(subject)[version - 1];
        return entry && registered(entry, version);
      }),
    latest: (subject) =>
      among(() => {
        const all = entriesOf(subject);
        return all.length === 0 ? undefined : registered(all.at(-1)!, all.length);
      }),
    places: (id) =>
      among(() => {
        const entry = typeof id === 'number' ? entries[id - 1] : undefined;
        if (entry === undefined) return [];
        const { subject } = entry;
        return [{ subject, version: entriesOf(subject).indexOf(entry) + 1 }];
      }),
    async [Symbol.asyncDispose]() {},
  };
}

const registered = ({ id, subject, schema }: Entry, version: number): RegisteredSchema => ({
  ref: { kind: 'confluent', id },
  ...{ subject, version, schemaText: schema },
});

function entryOf(bytes: Buffer, id: number, folder: string): Entry {
  const entry = JSON.parse(bytes.toString('utf8')) as Partial<Entry>;
  if (entry.id !== id || typeof entry.subject !== 'string' || typeof entry.schema !== 'string')
    throw new Fault('REGISTRY_UNAVAILABLE', { folder, file: `${id}.json`, reason: 'it is no registration' });
  return { id, subject: entry.subject, schema: entry.schema };
}
