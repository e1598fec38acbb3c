import { Fault } from '../../domain/fault.ts';
import type { Document, StoreReport } from '../../ports/read-model.ts';
import { searchValues, stubOf } from '../../ports/search-values.ts';
import { indexLine, sendBulk } from './bulk.ts';
import { fieldNames, sourceText } from './documents.ts';
import { type EngineIndex, loadDocuments } from './engine-index.ts';
import { engineId } from './mapping.ts';

const idsPerRequestMax = 500;

/**
 * Index operations only, by external version: never a delete, never an update. What the engine refuses for ever (400) is
 * written once more as a stub of the same version.
 */
export async function storeDocuments(
  of: EngineIndex,
  documents: readonly Document[],
  versionMax: number,
): Promise<StoreReport> {
  const names = fieldNames(of.definition);
  const unindexable: { id: string; reason: string }[] = [];
  const stored: Document[] = [];
  function* lines(): Generator<string> {
    for (const given of documents) {
      const values = given.search === null ? null : searchValues(of.definition.fields, given.search);
      const refused = typeof values === 'string';
      if (refused) unindexable.push({ id: given.id, reason: values });
      const document = refused ? stubOf(given, values) : given;
      stored.push(document);
      yield lineOf(document, sourceText(document, names, refused ? null : values));
    }
  }
  const verdicts = await sendBulk(of, lines());

  const refusals = verdicts.flatMap((verdict, n) => (typeof verdict === 'object' ? [n] : []));
  for (const n of refusals) {
    stored[n] = stubOf(documents[n]!, 'ENGINE_REFUSED');
    unindexable.push({ id: documents[n]!.id, reason: `ENGINE_REFUSED ${reasonOf(verdicts[n]!)}` });
  }
  const stubs = refusals.map((n) => lineOf(stored[n]!, sourceText(stored[n]!, names, null)));
  for (const [m, verdict] of (await sendBulk(of, stubs)).entries()) {
    if (typeof verdict === 'object') throw new Error(`stub refused by ${of.index}: ${verdict.refused}`);
    verdicts[refusals[m]!] = verdict;
  }

  const kept = stored.filter((_, n) => verdicts[n] === 'conflict');
  await checkStale(of, kept, versionMax);
  return { applied: documents.length - kept.length, stale: kept.length, unindexable };
}

const lineOf = ({ id, version }: Document, source: string): string =>
  indexLine(engineId(id), version, source);

const reasonOf = (verdict: object | string): string =>
  typeof verdict === 'object' && 'refused' in verdict ? String(verdict.refused) : '';

/** A version kept these out: it must be one of this log's, and at an equal version the same bytes. */
async function checkStale(of: EngineIndex, kept: readonly Document[], versionMax: number): Promise<void> {
  for (let from = 0; from < kept.length; from += idsPerRequestMax) {
    const part = kept.slice(from, from + idsPerRequestMax);
    const standing = new Map(
      (
        await loadDocuments(
          of,
          part.map(({ id }) => id),
        )
      ).map((one) => [one.id, one]),
    );
    for (const given of part) {
      const stored = standing.get(given.id);
      const differs = stored?.version === given.version && Buffer.compare(stored.body, given.body) !== 0;
      if (stored !== undefined && stored.version <= versionMax && !differs) continue;
      throw new Fault('VERSION_AHEAD', {
        index: of.index,
        id: given.id,
        // A deletion that the engine still remembers keeps documents out as a version does.
        stored: stored?.version ?? 'deleted',
        given: given.version,
        versionMax,
        ...(differs ? { bytes: 'differ' } : {}),
      });
    }
  }
}
