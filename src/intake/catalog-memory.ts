import { uuid8 } from '../formats/uuid8.ts';
import type { StateStore } from '../ports/archive.ts';

/**
 * What the catalog knows of its scans of one source: the stamp with which each entity was looked into last, '' where it has to be
 * looked into again. It can always be made anew: without it everything is looked into.
 */
export interface CatalogMemory {
  /** Every entity of the source stands in it: a scan came to its end. */
  readonly complete: boolean;
  readonly stamps: ReadonlyMap<string, string>;
}

export const noMemory: CatalogMemory = { complete: false, stamps: new Map() };

const form = 1;

/** One name for the memory of a source, and for whoever scans it. */
export const catalogName = (source: string): string => `catalog/${uuid8('annal-catalog/source', source)}`;
const nameOf = (source: string): string => `${catalogName(source)}.json`;

/** What was kept; nothing where nothing was, or what cannot be read. Another version of this program looks into all again. */
export async function readMemory(state: StateStore, source: string, version: string): Promise<CatalogMemory> {
  const found = await state.read(nameOf(source));
  if (found === undefined) return noMemory;
  const kept = parsed(found.bytes);
  if (kept?.form !== form || kept.source !== source || !Array.isArray(kept.stamps)) return noMemory;
  const stamps = new Map<string, string>();
  for (const pair of kept.stamps as unknown[]) {
    const [urn, stamp] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (typeof urn !== 'string' || typeof stamp !== 'string') return noMemory;
    stamps.set(urn, kept.version === version ? stamp : '');
  }
  return { complete: kept.complete === true, stamps };
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof json === 'object' && json !== null ? { ...json } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Keeps it in the place of what was kept; to be called only once what it says is in the log. */
export const keepMemory = (
  state: StateStore,
  source: string,
  version: string,
  { complete, stamps }: CatalogMemory,
): Promise<void> =>
  state.replace(
    nameOf(source),
    Buffer.from(JSON.stringify({ form, source, version, complete, stamps: [...stamps] })),
  );
