import { hash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { projections } from '../../src/projections/registry.ts';
import { readState } from '../../src/projections/state-text.ts';
import { anEvent, at, orders, recordOf } from '../given/events.ts';
import { foldInBatches, readAll, rootOfDocuments } from '../given/fold.ts';

// What a projection made of an event is in roots and read models for ever. Whoever changes what is made here gives the
// projection a new version, and that version a file of its own; a file that is there is never made again.

const customers = 'urn:li:dataset:(urn:li:dataPlatform:hive,shop.customers,PROD)';
const tag = 'urn:li:tag:größe';
const raw = (text: string): Uint8Array => Buffer.from(text);

const events: readonly MetadataChangeEvent[] = [
  anEvent({ n: 1, value: { name: 'Orders', description: 'One row per order, cust_id and custName' } }),
  anEvent({
    n: 2,
    aspect: 'ownership',
    value: { owners: [{ owner: 'urn:li:corpGroup:sales', type: 'DATAOWNER' }] },
  }),
  anEvent({ n: 3, aspect: 'globalTags', value: { tags: [{ tag: 'urn:li:tag:pii' }] } }),
  anEvent({
    ...{ n: 4, aspect: 'schemaMetadata', actor: 'urn:li:corpuser:u-1', correlationId: '', causationId: 'x' },
    value: { fields: [{ fieldPath: 'cust_id', description: 'Who' }, { fieldPath: 'items[].sku' }] },
    group: '00000000-0000-7000-8000-00000000abcd',
    source: {
      ...{ plugin: 'scan', version: '1', runId: 'r "1"' },
      foreign: new Map([
        ['root', 'lake'],
        ['～', 'b'],
        ['😀', 'a'],
        ['__proto__', 'c'],
      ]),
    },
  }),
  anEvent({ n: 4, aspect: 'schemaMetadata', value: { fields: [] } }),
  anEvent({ n: 5, change: 'PATCH', value: [{ op: 'replace', path: '/name', value: 'Orders 2' }] }),
  anEvent({ n: 6, change: 'PATCH', value: [{ op: 'remove', path: '/nothing' }] }),
  anEvent({ n: 7, expect: at(0), value: { name: 'late' } }),
  anEvent({ n: 8, expect: at(5), value: { name: 'in time' } }),
  anEvent({
    n: 9,
    urn: customers,
    expect: at(-1, 0),
    value: { name: 'Customers', qualifiedName: 'db.customers' },
  }),
  {
    ...anEvent({ n: 10, urn: customers, aspect: 'x.opaque', aspectSchema: null }),
    value: raw(' {"b":1.0, "a":1e3 } '),
  },
  { ...anEvent({ n: 11, urn: customers, aspect: 'x.odd', aspectSchema: null }), value: raw('{"a":1,"a":2}') },
  anEvent({ n: 12, urn: customers, aspect: 'ownership', change: 'DELETE' }),
  anEvent({ n: 13, aspect: 'globalTags', change: 'DELETE' }),
  anEvent({
    n: 14,
    urn: tag,
    entityType: 'tag',
    namespace: 'default',
    aspect: 'tagProperties',
    value: { name: 'Größe' },
  }),
  anEvent({ n: 15, urn: customers, aspect: null, change: 'DELETE' }),
  anEvent({ n: 16, urn: customers, value: { name: 'Customers again' } }),
];

/** The events, then records that reach no entity. */
function corpus(): LogRecord[] {
  const records = events.map((event, offset) => recordOf(event, offset));
  const broken = recordOf(anEvent({ n: 20 }), 0);
  const odd: readonly Partial<LogRecord>[] = [
    { headers: [] },
    { value: null },
    { value: Buffer.from([0x7f]) },
    { key: Buffer.from(customers) },
    { key: Buffer.from([0xff]) },
  ];
  for (const change of odd) {
    const offset = records.length;
    records.push({ ...broken, ...change, offset, appendTime: 1_763_600_000_000 });
  }
  return records;
}

function frozen(projection: Projection): string {
  const documents = [...foldInBatches(projection, readAll(corpus()), [3], readState).values()];
  const told = documents
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, version, body, search }) => ({ id, version, body: Buffer.from(body).toString(), search }));
  return `${JSON.stringify({ root: rootOfDocuments(documents), documents: told }, null, 1)}\n`;
}

describe('what a projection makes of events is frozen with its version', () => {
  test.each(
    projections.map((projection) => [projection.definition.projection, projection] as const),
  )('%s', (name, projection) => {
    const { version } = projection.definition;
    const file = new URL(`../golden/projections/${name}-v${version}.json`, import.meta.url);
    if (process.env.ANNAL_TEST_NEW_GOLDEN === `${name}-v${version}` && !existsSync(file))
      writeFileSync(file, frozen(projection));
    expect(frozen(projection)).toBe(readFileSync(file, 'utf8'));
    expect(projection.frozen).toBe(hash('sha256', readFileSync(file)));
  });

  test.each(projections)('what a search finds a document by follows from its body: %#', (projection) => {
    for (const document of foldInBatches(projection, readAll(corpus()), [3], readState).values())
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
