import { Fault } from '../domain/fault.ts';
import type { Document, ModelIndex } from '../ports/read-model.ts';
import type { Compared, Difference } from './compare-model.ts';

/** What a repair did. */
export interface RepairReport {
  /** Documents written anew from the fold, and such that were taken away: extra ones, and versions ahead of the log. */
  readonly written: number;
  readonly removed: number;
  /** What was found, and is repaired or told still: at most 100. */
  readonly differences: readonly Difference[];
  readonly differing: number;
}

const namedMax = 100;
/** Documents that are repaired while the lanes stand. */
const documentsPerBarrier = 500;

/**
 * Writes exactly the documents that differ anew from the fold, and removes those that the fold does not have. What a lane
 * has stored since they were compared is left for the next look. `stand` runs its work while no lane stores. Rejects with
 * `REPAIR_TOO_LARGE` where the differing documents do not fit into memory: then a rebuild is what helps.
 */
export async function repairModel(
  index: ModelIndex,
  { differences, expected }: Compared,
  stand: (work: () => Promise<void>) => Promise<unknown>,
): Promise<RepairReport> {
  const ofDocuments = differences.filter(({ id }) => id !== index.name);
  const lost = ofDocuments.find(({ id, expectedVersion }) => expectedVersion !== null && !expected.has(id));
  if (lost !== undefined)
    throw new Fault('REPAIR_TOO_LARGE', { index: index.name, differing: differences.length });
  let [written, removed] = [0, 0];
  for (let from = 0; from < ofDocuments.length; from += documentsPerBarrier) {
    const part = ofDocuments.slice(from, from + documentsPerBarrier);
    await stand(async () => {
      const present = await index.load(part.map(({ id }) => id));
      const still = part.filter(
        ({ id, foundVersion }) => (present.get(id)?.version ?? null) === foundVersion,
      );
      const documents = still.flatMap(({ id }): Document[] => {
        const document = expected.get(id);
        return document === undefined ? [] : [document];
      });
      const gone = still.filter(({ id }) => !expected.has(id)).map(({ id }) => id);
      await index.repair(documents, gone);
      written += documents.length;
      removed += gone.length;
    });
  }
  return { written, removed, differences: differences.slice(0, namedMax), differing: differences.length };
}
