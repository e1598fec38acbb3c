import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EntityState } from '../../src/domain/entity-state.ts';
import type { MetadataChangeEvent } from '../../src/domain/event.ts';
import { mustNotExist } from '../../src/domain/event.ts';
import { foldBatch, foldEvent } from '../../src/projections/fold-batch.ts';
import { projections } from '../../src/projections/registry.ts';
import { readState, stateText } from '../../src/projections/state-text.ts';
import { anEvent, at } from '../given/events.ts';
import {
  type Documents,
  eventsRead,
  foldInBatches,
  outcomesOf,
  rootOfDocuments,
  store,
} from '../given/fold.ts';

const urns = ['a', 'b', 'c'].map((name) => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`);

/** Any history over few entities and aspects, so that repeats, conflicts and patches meet. */
const anyHistory = fc
  .array(
    fc.record({
      urn: fc.constantFrom(...urns),
      aspect: fc.constantFrom('datasetProperties', 'ownership', 'upstreamLineage', null),
      change: fc.constantFrom('UPSERT', 'UPSERT', 'PATCH', 'DELETE') as fc.Arbitrary<
        MetadataChangeEvent['change']
      >,
      n: fc.nat(60),
      expect: fc.oneof(
        { weight: 4, arbitrary: fc.constant(null) },
        fc.constant(mustNotExist),
        fc.nat(40).map((offset) => at(offset)),
      ),
      actor: fc.constantFrom('', 'urn:li:corpuser:ann'),
      foreign: fc.dictionary(fc.constantFrom('10', '9', '__proto__', 'ä', 'topic'), fc.string()),
      value: fc.oneof(
        fc.json().map((text) => Buffer.from(text)),
        fc.constant(Buffer.from(' {"name":"spaced", "n": 1.0e2} ')),
        fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
        fc.constant(Buffer.from('[{"op":"add","path":"/name","value":"patched"}]')),
        fc.constantFrom(...urns).map((dataset) => Buffer.from(JSON.stringify({ upstreams: [{ dataset }] }))),
      ),
    }),
    { minLength: 1, maxLength: 50 },
  )
  .map((history) =>
    history.map(({ urn, aspect, change, n, expect: condition, actor, foreign, value }) => {
      const kind = aspect === null ? 'DELETE' : change;
      return {
        ...anEvent({ urn, aspect, change: kind, n, expect: condition, actor }),
        source: { plugin: 'test', version: '', runId: '', foreign: new Map(Object.entries(foreign)) },
        value: kind === 'DELETE' ? null : value,
      };
    }),
  );

describe('the state of an entity', () => {
  test('text and state give each other back, whatever happened', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const states = new Map<string, EntityState>();
        for (const read of eventsRead(history)) if (read.kind === 'event') foldEvent(states, read);
        for (const state of states.values()) {
          const text = stateText(state).toString();
          JSON.parse(text);
          expect(stateText(readState(Buffer.from(text))).toString()).toBe(text);
        }
      }),
    );
  });
});

describe.each(
  projections.map((projection) => [projection.definition.projection, projection] as const),
)('%s', (_, projection) => {
  test('batch borders never show', () => {
    fc.assert(
      fc.property(
        anyHistory,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (history, sizes) => {
          const reads = eventsRead(history);
          const whole = foldInBatches(projection, reads, [reads.length], readState);
          const parts = foldInBatches(projection, reads, sizes, readState);
          expect(texts(parts)).toEqual(texts(whole));
          expect(rootOfDocuments(parts.values())).toBe(rootOfDocuments(whole.values()));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('delivering any suffix again changes nothing', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const reads = eventsRead(history);
        const documents: Documents = new Map();
        const states = new Map<string, EntityState>();
        store(documents, foldBatch(projection, states, reads));
        const before = texts(documents);
        for (let from = 0; from < reads.length; from += 1)
          store(documents, foldBatch(projection, new Map(states), reads.slice(from)));
        expect(texts(documents)).toEqual(before);
      }),
      { numRuns: 30 },
    );
  });

  test('settled and open documents together are those of the live fold', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const reads = eventsRead(history);
        const live = foldInBatches(projection, reads, [1], readState);
        const states = new Map<string, EntityState>();
        const replayed: Documents = new Map();
        const add = (document: { id: string }): void => {
          expect(replayed.has(document.id), `${document.id} is made once`).toBe(false);
          replayed.set(document.id, document as never);
        };
        for (const read of reads) {
          if (read.kind === 'quarantined') {
            for (const draft of projection.quarantined(read.record)) add(draft.render());
            continue;
          }
          const step = foldEvent(states, read);
          for (const draft of step === undefined ? [] : projection.settled(step)) add(draft.render());
        }
        for (const state of states.values()) {
          for (const draft of projection.open(state)) add(draft.render());
          add(projection.stateDocument(state));
        }
        expect(texts(replayed)).toEqual(texts(live));
      }),
    );
  });
});

const texts = (documents: Documents): Record<string, unknown>[] =>
  [...documents.values()]
    .map(({ id, version, body, search }) => ({ id, version, body: Buffer.from(body).toString(), search }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));

describe('outcomes', () => {
  const only = (events: readonly MetadataChangeEvent[]): string[] =>
    outcomesOf(events).map(({ outcome }) => outcome);

  test('the same id again has no effect', () => {
    expect(only([anEvent({ n: 1 }), anEvent({ n: 1, value: { name: 'other' } })])).toEqual([
      'applied',
      'duplicate',
    ]);
  });
  test('an id is remembered for sixteen events of its entity', () => {
    const later = (count: number): MetadataChangeEvent[] =>
      Array.from({ length: count }, (_, n) => anEvent({ n: n + 1 }));
    expect(only([anEvent(), ...later(15), anEvent()]).at(-1)).toBe('duplicate');
    expect(only([anEvent(), ...later(16), anEvent()]).at(-1)).toBe('applied');
  });
  test('a condition holds at the last applied change of the aspect', () => {
    expect(
      only([anEvent({ n: 1 }), anEvent({ n: 2, expect: at(0) }), anEvent({ n: 3, expect: at(0) })]),
    ).toEqual(['applied', 'applied', 'conflict']);
  });
  test('"must not exist" holds again after a deletion', () => {
    expect(
      only([
        anEvent({ n: 1, expect: mustNotExist }),
        anEvent({ n: 2, expect: mustNotExist }),
        anEvent({ n: 3, change: 'DELETE' }),
        anEvent({ n: 4, expect: mustNotExist }),
      ]),
    ).toEqual(['applied', 'conflict', 'applied', 'applied']);
  });
  test('a condition on an entity looks at its last change of any aspect', () => {
    const gone = { aspect: null, change: 'DELETE' } as const;
    expect(
      only([
        anEvent({ n: 1 }),
        anEvent({ n: 2, aspect: 'ownership' }),
        anEvent({ n: 3, ...gone, expect: at(0) }),
        anEvent({ n: 4, ...gone, expect: at(1) }),
      ]),
    ).toEqual(['applied', 'applied', 'conflict', 'applied']);
  });
  test('a conflict changes nothing, and its id is remembered', () => {
    const refused = anEvent({ n: 2, expect: at(7) });
    expect(only([anEvent({ n: 1 }), refused, refused, anEvent({ n: 3, expect: at(0) })])).toEqual([
      'applied',
      'conflict',
      'duplicate',
      'applied',
    ]);
  });
  test.each([
    ['no value before', [], [{ op: 'add', path: '/name', value: 1 }]],
    ['not an array', [anEvent({ n: 9 })], { op: 'add' }],
    ['a path that is not there', [anEvent({ n: 9 })], [{ op: 'remove', path: '/nothing' }]],
    ['a test that fails', [anEvent({ n: 9 })], [{ op: 'test', path: '/name', value: 'else' }]],
    ['a forbidden key', [anEvent({ n: 9 })], [{ op: 'add', path: '/__proto__/x', value: 1 }]],
  ])('a patch fails whole: %s', (_, before, patch) => {
    expect(only([...before, anEvent({ n: 1, change: 'PATCH', value: patch })]).at(-1)).toBe('patch-failed');
  });
  test('a patch applies to the value before it', () => {
    const states = new Map<string, EntityState>();
    const patch = [{ op: 'replace', path: '/name', value: 'renamed' }];
    const reads = eventsRead([anEvent({ n: 1 }), anEvent({ n: 2, change: 'PATCH', value: patch })]);
    for (const read of reads) if (read.kind === 'event') foldEvent(states, read);
    const [head] = [...states.values()][0]!.heads;
    expect(Buffer.from(head!.patched!).toString()).toBe('{"name":"renamed"}');
  });
});
