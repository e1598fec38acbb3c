import { expect, test } from 'vitest';
import type { ModelIndex, ReadModel } from '../../src/ports/read-model.ts';
import { entities } from '../../src/projections/entities.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { refuseUnsearchable, type SearchProof, searchProver } from '../../src/streams/prove-searchable.ts';
import { anEvent } from '../given/events.ts';
import { eventsRead, foldInBatches } from '../given/fold.ts';
import type { Plants } from './plants.ts';
import { versionsEnd } from './read-model.contract.ts';

/** What the laws of the proof are tried on: one engine, and what may befall it. */
export interface ProofGiven {
  readonly model: ReadModel;
  readonly plant: Plants;
}

const urn = (n: number): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.table_${n},PROD)`;

/** Documents of `count` entities, each with a name of its own, one of them deleted. */
const documentsOf = (count: number) => {
  const events = Array.from({ length: count }, (_, n) =>
    anEvent({ n, urn: urn(n), value: { name: `Table ${n}`, description: `of the shelf_${n % 10}` } }),
  );
  const gone = anEvent({ n: count, urn: urn(0), aspect: null, change: 'DELETE' });
  return [...foldInBatches(entities, eventsRead([...events, gone]), [50], () => never()).values()];
};
const never = (): never => {
  throw new Error('no URN comes in two batches');
};

/** An index of `entities` of an engine, filled and refreshed. */
export async function filledIndex({ model }: ProofGiven, count: number, suffix: string): Promise<ModelIndex> {
  const index = await model.create(entities.definition, suffix);
  await fill(index, count);
  return index;
}

export async function fill(index: ModelIndex, count: number): Promise<void> {
  await index.store(documentsOf(count), versionsEnd);
  await index.refresh();
}

export async function proven(
  index: ModelIndex,
  drawn?: number,
  projection: Projection = entities,
): Promise<SearchProof> {
  await using snapshot = await index.snapshot();
  const prover = searchProver(projection, snapshot, drawn === undefined ? {} : { drawn });
  for await (const documents of snapshot.scan()) prover.see(documents);
  return await prover.end();
}

/** Laws of the proof that a search finds what an index holds, the same on every engine. */
export function searchProofLaws(given: () => ProofGiven): void {
  let indexes = 0;
  const filled = (count = 40): Promise<ModelIndex> => filledIndex(given(), count, `n${++indexes}`);
  const refused = (proof: SearchProof) => expect(() => refuseUnsearchable('entities', proof));

  test('an index as it should be is proven: all documents compared, drawn ones found by each field', async () => {
    const proof = await proven(await filled());
    expect(proof).toMatchObject({ documents: 40, drawn: 39, unindexable: 0, unfound: 0, named: [] });
    // urn, type, namespace, platform, position, two kinds of words; no owners, tags or sources.
    expect(proof.probes).toBe(39 * 7);
    expect(proof.shape).toMatch(/^[0-9a-f]{64}$/);
    refused(proof).not.toThrow();
  });

  test('the draw is by the hash of the key: the same documents in every index of the same content', async () => {
    const [one, other] = [await filled(), await filled()];
    const asked = async (index: ModelIndex, backwards: boolean): Promise<string[]> => {
      await using snapshot = await index.snapshot();
      const ids: string[] = [];
      const finds: typeof snapshot.finds = async (probes) => {
        ids.push(...probes.map(({ id }) => id));
        return probes.map(() => true);
      };
      const prover = searchProver(entities, { ...snapshot, finds }, { drawn: 5 });
      for await (const documents of snapshot.scan())
        prover.see(backwards ? documents.toReversed() : documents);
      await prover.end();
      return [...new Set(ids)].sort();
    };
    const drawn = await asked(one, false);
    expect(drawn).toHaveLength(5);
    expect(await asked(other, true)).toEqual(drawn);
  });

  test('one document among others that is found by another value than its body says is named', async () => {
    const index = await filled();
    await given().plant.value(index, urn(7), 'namespace');
    const proof = await proven(index, 1);
    expect(proof).toMatchObject({ unfound: 1 });
    expect(proof.named).toEqual([{ what: 'values', id: urn(7), field: 'namespace' }]);
    refused(proof).toThrow(/REBUILD_UNSEARCHABLE.*table_7.*values namespace/);
  });

  test('a field that is no longer indexed as declared is named, and what that loses by key', async () => {
    const index = await filled();
    await given().plant.shape(index, 'words');
    const changed = await proven(index);
    expect(changed.named).toEqual([{ what: 'shape', id: null, field: expect.stringContaining('words') }]);
    await given().plant.lost(index, urn(9), 'words');
    const { named } = await proven(index);
    expect(named).toContainEqual({ what: 'ignored', id: urn(9), field: '' });
    expect(named).toContainEqual({ what: 'term', id: urn(9), field: 'words' });
  });

  test('a document that was hidden without a reason is named; one that has a reason is counted', async () => {
    const index = await filled();
    const [first, second] = documentsOf(40).slice(3, 5);
    const later = { ...first!, version: 2 ** 45, search: null };
    await index.store([later, { ...second!, version: 2 ** 45, search: { type: 7 } }], versionsEnd);
    const untold: Projection = {
      ...entities,
      searchOf: (document) => (document.id === second!.id ? { type: 7 } : entities.searchOf(document)),
    };
    expect((await proven(index, 0, untold)).named).toEqual([
      { what: 'values', id: first!.id, field: 'visible' },
    ]);
    const proof = await proven(index, 0);
    expect(proof).toMatchObject({ unindexable: 1, unfound: 2 });
    expect(proof.named).toContainEqual({ what: 'values', id: second!.id, field: 'unindexable' });
  });

  test('a body that no fold made is named', async () => {
    const index = await filled();
    await given().plant.body(index, urn(4), () => '{"torn');
    expect((await proven(index, 0)).named).toEqual([{ what: 'values', id: urn(4), field: 'body' }]);
  });
}
