import { Fault } from '../../domain/fault.ts';
import type { Document, StoreReport, TextDocument, Unsearchable } from '../../ports/read-model.ts';
import { type BulkLine, type BulkVerdict, indexAction, sendBulk } from './bulk.ts';
import { type Source, sourceOf, sourceWith, withBodyAsText } from './documents.ts';
import { type EngineIndex, loadDocuments } from './engine-index.ts';
import { engineId } from './mapping.ts';

const idsPerRequestMax = 500;

/**
 * Index operations only, by external version: never a delete, never an update. What the engine refuses for ever (400) is
 * stored once more at the same version, whole and hidden: what it carries is not lost, only not found.
 */
export async function storeDocuments(
  of: EngineIndex,
  documents: readonly (Document | TextDocument)[],
  versionMax: number,
): Promise<StoreReport> {
  const unindexable: Unsearchable[] = [];
  function* lines(): Generator<BulkLine> {
    for (const document of documents) {
      const { source, unindexable: code } = sourceOf(of.definition, document);
      if (code !== null) unindexable.push({ id: document.id, reason: code });
      yield lineOf(document, source);
    }
  }
  const verdicts = await sendBulk(of, lines());
  await storeAsText(of, documents, verdicts);

  const refusals = verdicts.flatMap((verdict, n) => (typeof verdict === 'object' ? [n] : []));
  for (const n of refusals)
    unindexable.push({ id: documents[n]!.id, reason: `ENGINE_REFUSED ${reasonOf(verdicts[n]!)}` });
  const again = refusals.map((n) =>
    lineOf(documents[n]!, withBodyAsText(sourceWith(documents[n]!, null, 'ENGINE_REFUSED'))),
  );
  for (const [m, verdict] of (await sendBulk(of, again)).entries()) {
    if (typeof verdict === 'object')
      throw new Error(`hidden document refused by ${of.index}: ${verdict.refused}`);
    verdicts[refusals[m]!] = verdict;
  }

  const kept = documents.filter((_, n) => verdicts[n] === 'conflict');
  await checkStale(of, kept, versionMax);
  return { applied: documents.length - kept.length, stale: kept.length, unindexable };
}

/** What the engine refused with its body as it is (it looks for keys that are there twice, and at depth) goes again as text. */
async function storeAsText(
  of: EngineIndex,
  documents: readonly (Document | TextDocument)[],
  verdicts: BulkVerdict[],
): Promise<void> {
  const refused = verdicts.flatMap((verdict, n) => {
    if (typeof verdict !== 'object') return [];
    const { source } = sourceOf(of.definition, documents[n]!);
    return source.isPlain ? [{ n, source: withBodyAsText(source) }] : [];
  });
  const again = await sendBulk(
    of,
    refused.map(({ n, source }) => lineOf(documents[n]!, source)),
  );
  for (const [m, verdict] of again.entries()) verdicts[refused[m]!.n] = verdict;
}

const lineOf = ({ id, version }: Pick<Document, 'id' | 'version'>, source: Source): BulkLine => ({
  action: indexAction(engineId(id), version),
  source,
});

const reasonOf = (verdict: object | string): string =>
  typeof verdict === 'object' && 'refused' in verdict ? String(verdict.refused) : '';

/** A version kept these out: it must be one of this log's, and at an equal version the same bytes. */
async function checkStale(
  of: EngineIndex,
  kept: readonly Pick<Document, 'id' | 'version' | 'body'>[],
  versionMax: number,
): Promise<void> {
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
