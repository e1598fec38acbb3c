import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../domain/fault.ts';
import type { Known, KnownAspect } from './snapshot.ts';

const version = 1;

/** What a plugin keeps between two runs: known aspects by URN. One process at a time writes it. */
export interface StateFile {
  /** Rejects with `PLUGIN_STATE_INVALID` for a file that nobody here wrote; an absent one is empty. */
  load(): Promise<Map<string, Map<string, KnownAspect>>>;
  /** Whole or not at all, and durable when it resolves. */
  save(known: Known): Promise<void>;
}

export function stateFile(path: string): StateFile {
  return {
    async load() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
        throw new Fault('PLUGIN_STATE_INVALID', { file: path, reason: 'cannot be read' }, error);
      }
      return parsed(text, path);
    },
    async save(known) {
      const entities = [...known].map(([urn, aspects]) => [urn, [...aspects]]);
      await mkdir(dirname(path), { recursive: true });
      const beside = `${path}.new`;
      const file = await open(beside, 'w');
      try {
        await file.writeFile(JSON.stringify({ version, entities }));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, path);
      await syncFolder(dirname(path));
    },
  };
}

/** So that the name outlives a power failure, too. Windows opens no folder, and keeps names without being asked. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function parsed(text: string, path: string): Map<string, Map<string, KnownAspect>> {
  const invalid = (reason: string, cause?: unknown): Fault =>
    new Fault('PLUGIN_STATE_INVALID', { file: path, reason }, cause);
  let json: { version?: unknown; entities?: unknown };
  try {
    json = JSON.parse(text) as typeof json;
  } catch (error) {
    throw invalid('is no JSON', error);
  }
  if (json?.version !== version) throw invalid(`is not of version ${version}`);
  if (!Array.isArray(json.entities)) throw invalid('holds no entities');
  return new Map(
    json.entities.map((entity: unknown): [string, Map<string, KnownAspect>] => {
      const [urn, aspects] = Array.isArray(entity) ? entity : [];
      if (typeof urn !== 'string' || !Array.isArray(aspects))
        throw invalid('holds an entity of another form');
      return [urn, new Map(aspects.map((aspect: unknown) => knownAspect(aspect, invalid)))];
    }),
  );
}

function knownAspect(given: unknown, invalid: (reason: string) => Fault): [string, KnownAspect] {
  const [name, known] = Array.isArray(given) ? (given as unknown[]) : [];
  const isKnown = typeof known === 'object' && known !== null && 'hash' in known;
  if (typeof name !== 'string' || !isKnown) throw invalid('holds an aspect of another form');
  return [name, known as KnownAspect];
}
