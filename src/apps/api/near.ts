import { urnParts } from '../../domain/urn.ts';
import { distance } from '../../intake/nearest.ts';
import type { ModelIndex } from '../../ports/read-model.ts';
import { entityQuery, type Readable } from '../../projections/queries.ts';

const candidatesMax = 50;
const nearMax = 5;

/** A run of letters and digits as somebody would type it, at most so many characters. */
const runs = (text: string): string[] => text.match(/[\p{L}\p{N}_]+/gu) ?? [];

/**
 * Entities that somebody who wrote `urn` (or a part of one) may have meant, nearest first: those found by its name, else
 * by its longest word, else by how that word begins. Only what the caller may read.
 */
export async function nearMatches(index: ModelIndex, urn: string, readable: Readable): Promise<string[]> {
  const parts = urnParts(urn).filter((part) => part !== '');
  const name = (parts.length > 1 ? parts[1] : parts[0]) ?? urn;
  const words = runs(name).sort((a, b) => b.length - a.length);
  const longest = words[0] ?? '';
  const attempts = [name, longest, longest.slice(0, 4), longest.slice(0, 3)].filter(
    (text) => text.length >= 2,
  );
  for (const text of new Set(attempts)) {
    const page = await index.query(entityQuery({ text, limit: candidatesMax }, readable));
    if (page.hits.length > 0)
      return page.hits
        .map(({ id }) => ({ id, edits: distance(id.slice(0, 200), urn.slice(0, 200)) }))
        .sort((a, b) => a.edits - b.edits)
        .slice(0, nearMax)
        .map(({ id }) => id);
  }
  return [];
}
