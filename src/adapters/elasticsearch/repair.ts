import { Fault } from '../../domain/fault.ts';
import type { Document, StoreReport, Unsearchable } from '../../ports/read-model.ts';
import { sendBulk } from './bulk.ts';
import { sourceOf, withBodyAsText } from './documents.ts';
import { type EngineIndex, loadDocuments } from './engine-index.ts';
import { engineId } from './mapping.ts';

const idsPerRequestMax = 500;
/** The engine looks at its clock every 200 ms (`thread_pool.estimated_time_interval`) to tell a deletion's age. */
const forgetMs = 300;

/**
 * Law 8's exception. A document of a higher version keeps lower ones out, and so does, for a minute, the deletion of one: such
 * documents are deleted while the index forgets deletions at once.
 */
export async function repairDocuments(
  of: EngineIndex,
  documents: readonly Document[],
  removed: readonly string[],
): Promise<StoreReport> {
  const { client, physical, index } = of;
  const standing = new Map<string, number>();
  for (let from = 0; from < documents.length; from += idsPerRequestMax) {
    const ids = documents.slice(from, from + idsPerRequestMax).map(({ id }) => id);
    for (const { id, version } of await loadDocuments(of, ids)) standing.set(id, version);
  }
  const above = documents.filter(({ id, version }) => (standing.get(id) ?? 0) > version);
  const forgetting = async (age: string | null): Promise<void> => {
    const body = { index: { gc_deletes: age } };
    await client.request({ method: 'PUT', path: `/${physical}/_settings`, body, index });
  };
  await forgetting('0s');
  try {
    for (const id of [...removed, ...above.map(({ id }) => id)])
      await client.request({
        method: 'POST',
        path: `/${physical}/_bulk`,
        lines: Buffer.from(`${JSON.stringify({ delete: { _id: engineId(id) } })}\n`),
        index,
      });
    if (removed.length + above.length > 0) await of.wait(forgetMs);
    return await written(of, documents);
  } finally {
    try {
      await client.request({ method: 'POST', path: `/${physical}/_flush`, index });
      // Drops what it remembers of deletions too.
      await client.request({ method: 'POST', path: `/${physical}/_refresh`, index });
    } finally {
      await forgetting(null);
    }
  }
}

async function written(of: EngineIndex, documents: readonly Document[]): Promise<StoreReport> {
  const unindexable: Unsearchable[] = [];
  const lines = documents.map((document) => {
    const { source, unindexable: code } = sourceOf(of.definition, document);
    if (code !== null) unindexable.push({ id: document.id, reason: code });
    return { action: actionOf(document), source: withBodyAsText(source) };
  });
  for (const [n, verdict] of (await sendBulk(of, lines)).entries()) {
    if (verdict === 'stored') continue;
    const why = verdict === 'conflict' ? 'kept out by a version' : verdict.refused;
    throw new Fault('MODEL_UNAVAILABLE', { index: of.index, id: documents[n]!.id, why });
  }
  return { applied: documents.length, stale: 0, unindexable };
}

const actionOf = ({ id, version }: Document): string =>
  `${JSON.stringify({ index: { _id: engineId(id), version, version_type: 'external_gte' } })}\n`;
