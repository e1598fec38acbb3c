import { hash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../../src/domain/event.ts';
import type { Document } from '../../src/ports/read-model.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { projections } from '../../src/projections/registry.ts';
import { readState } from '../../src/projections/state-text.ts';
import { orders } from '../given/events.ts';
import { foldInBatches, readAll, rootOfDocuments } from '../given/fold.ts';
import { boundCorpus, firstCorpus, lineageCorpus, wideCorpus } from './frozen-events.ts';

// What a projection made of an event is in roots and read models for ever. Whoever changes what is made here gives the
// projection a new version, and that version a file of its own; a file that is there is never made again.

const folded = (projection: Projection, records: readonly LogRecord[]): Document[] =>
  [...foldInBatches(projection, readAll(records), [3], readState).values()].sort((a, b) =>
    a.id < b.id ? -1 : 1,
  );

/** What a projection's hash is of. Lineage is told of by none of the events that were the first. */
const firstOf = ({ definition }: Projection): LogRecord[] =>
  definition.projection === 'edges' ? lineageCorpus() : firstCorpus();

function frozen(projection: Projection): string {
  const documents = folded(projection, firstOf(projection));
  const told = documents.map(({ id, version, body, search }) => ({
    ...{ id, version, body: Buffer.from(body).toString(), search },
  }));
  return `${JSON.stringify({ root: rootOfDocuments(documents), documents: told }, null, 1)}\n`;
}

/** Declared fields, and documents by their hashes, for values are large: each that differs is named. */
function frozenHashes(projection: Projection, records: readonly LogRecord[]): string {
  const documents = folded(projection, records);
  const told = documents.map(({ id, version, body, search }) => ({
    ...{ id, version, body: hash('sha256', body), search: hash('sha256', JSON.stringify(search)) },
  }));
  const { fields } = projection.definition;
  return `${JSON.stringify({ fields, root: rootOfDocuments(documents), documents: told }, null, 1)}\n`;
}

/** The file of a version: written once where it is asked for and not there yet. */
function goldenOf(name: string, made: string): Buffer {
  const file = new URL(`../golden/projections/${name}.json`, import.meta.url);
  if (process.env.ANNAL_TEST_NEW_GOLDEN === name && !existsSync(file)) writeFileSync(file, made);
  return readFileSync(file);
}

describe('what a projection makes of events is frozen with its version', () => {
  test.each(
    projections.map((projection) => [projection.definition.projection, projection] as const),
  )('%s', (name, projection) => {
    const { version } = projection.definition;
    const golden = goldenOf(`${name}-v${version}`, frozen(projection));
    expect(frozen(projection)).toBe(golden.toString());
    expect(projection.frozen).toBe(hash('sha256', golden));
    for (const [part, records] of Object.entries({ wide: wideCorpus(), bounds: boundCorpus() })) {
      const hashes = frozenHashes(projection, records);
      expect(hashes, part).toBe(goldenOf(`${name}-v${version}-${part}`, hashes).toString());
    }
  });

  test.each(projections)('what a search finds a document by follows from its body: %#', (projection) => {
    for (const document of [firstCorpus(), wideCorpus(), boundCorpus(), lineageCorpus()].flatMap((records) =>
      folded(projection, records),
    ))
      expect(projection.searchOf(document), document.id).toEqual(document.search);
  });

  test('every outcome is among them', () => {
    const documents = projections.map((projection) => frozen(projection)).join('');
    for (const outcome of [
      'applied',
      'duplicate',
      'conflict',
      'patch-failed',
      'undecodable',
      'misrouted',
      'foreign',
    ])
      expect(documents).toContain(`\\"outcome\\":\\"${outcome}\\"`);
    expect(documents).toContain(orders);
  });
});
