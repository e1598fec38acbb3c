import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isFault } from '../../src/domain/fault.ts';
import type { SchemaId, SchemaRegistry } from '../../src/ports/schema-registry.ts';

type Field = { readonly name: string; readonly type: unknown; readonly default?: unknown };

/** Sometimes with spaces, and with keys that a server may drop when it prints the schema anew. */
const order = (fields: readonly Field[], indent?: number): string =>
  JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', fields }, null, indent);

const id: Field = { name: 'id', type: 'string' };
const optional: Field = { name: 'note', type: ['null', 'string'], default: null };
const required: Field = { name: 'total', type: 'long' };

const nobodys = { confluent: 2_000_000_000, azure: '7f000000-0000-4000-8000-000000000000' } as const;

const isId = (id: SchemaId, kind: SchemaRegistry['kind']): boolean =>
  kind === 'confluent'
    ? typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 2 ** 32
    : typeof id === 'string' && /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/.test(id);

const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => ({ resolved: value }),
    (error: unknown) => (isFault(error) ? error.code : error),
  );

const sameJson = (text: string | undefined, expected: string): void =>
  expect(JSON.parse(text ?? 'null')).toEqual(JSON.parse(expected));

/** The laws of the registry port. Subjects are new for each test, so a shared server serves. */
export function schemaRegistryContract(
  name: string,
  open: () => Promise<SchemaRegistry>,
  /** A registry nobody answers for. */
  openUnreachable: () => Promise<SchemaRegistry>,
): void {
  describe(`schema registry: ${name}`, () => {
    let registry: SchemaRegistry;
    const newSubject = (): string => `contract-${randomBytes(8).toString('hex')}-value`;
    beforeAll(async () => {
      registry = await open();
    });
    afterAll(async () => {
      await registry?.[Symbol.asyncDispose]();
    });

    test('what was registered is looked up by its id, also by another client', async () => {
      const { id: registered } = await registry.register(newSubject(), order([id]));
      expect(isId(registered, registry.kind), String(registered)).toBe(true);
      sameJson(await registry.lookup(registered), order([id]));
      await using other = await open();
      sameJson(await other.lookup(registered), order([id]));
      sameJson(await other.lookup(registered), order([id]));
    });

    test('an id nobody registered is nobody’s', async () => {
      for (const strange of [nobodys[registry.kind], nobodys[registry.kind], ...Object.values(nobodys)]) {
        expect(await registry.lookup(strange)).toBeUndefined();
        expect(await registry.places(strange)).toEqual([]);
      }
    });

    test('the same schema has the same id, however it is printed', async () => {
      const subject = newSubject();
      const first = await registry.register(subject, order([id]));
      await using other = await open();
      expect(await registry.register(subject, order([id]))).toEqual(first);
      expect(await other.register(subject, order([id], 2))).toEqual(first);
    });

    test('a subject has a newest schema, or none', async () => {
      const subject = newSubject();
      expect(await registry.latest(subject)).toBeUndefined();
      await registry.register(subject, order([id]));
      const ref = await registry.register(subject, order([id, optional]));
      const latest = await registry.latest(subject);
      expect(latest?.ref).toEqual(ref);
      sameJson(latest?.schemaText, order([id, optional]));
    });

    test('an older schema registered again keeps its id, and the newest stays', async () => {
      const subject = newSubject();
      const old = await registry.register(subject, order([id]));
      const newest = await registry.register(subject, order([id, optional]));
      expect(newest).not.toEqual(old);
      expect(await registry.register(subject, order([id]))).toEqual(old);
      expect((await registry.latest(subject))?.ref).toEqual(newest);
    });

    test('a schema that breaks readers is refused and leaves no trace', async () => {
      const subject = newSubject();
      const ref = await registry.register(subject, order([id]));
      for (const fields of [[id, required], [{ ...id, type: 'int' }]])
        expect(await codeOf(registry.register(subject, order(fields)))).toBe('SCHEMA_INCOMPATIBLE');
      expect((await registry.latest(subject))?.ref).toEqual(ref);
    });

    test('a schema has to read what every version wrote, and is told at which fields it does not', async () => {
      const subject = newSubject();
      await registry.register(subject, order([id]));
      await registry.register(subject, order([id, { ...required, default: 0 }]));
      // Version 2 holds a total in every record; version 1 does not.
      const refused = await registry
        .register(subject, order([id, required]))
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: 'SCHEMA_INCOMPATIBLE',
        facts: { subject, breaking: [{ version: 1, at: '/total', what: 'added without a default' }] },
      });
      expect(await registry.versions(subject)).toEqual([1, 2]);
    });

    test('versions count from 1 and stay, each with its id and text', async () => {
      const [subject, other] = [newSubject(), newSubject()];
      expect(await registry.versions(subject)).toEqual([]);
      expect(await registry.version(subject, 1)).toBeUndefined();
      const texts = [order([id]), order([id, optional])];
      for (const [i, text] of texts.entries()) {
        const ref = await registry.register(subject, text);
        await registry.register(other, order([id, { ...optional, name: `other${i}` }]));
        const found = await registry.version(subject, i + 1);
        expect(found).toMatchObject({ ref, subject, version: i + 1 });
        sameJson(found?.schemaText, text);
        expect(await registry.places(ref.id)).toContainEqual({ subject, version: i + 1 });
      }
      expect(await registry.versions(subject)).toEqual([1, 2]);
      expect(await registry.latest(subject)).toMatchObject({ subject, version: 2 });
      for (const none of [3, 1_000_000]) expect(await registry.version(subject, none)).toBeUndefined();
    });

    test('subjects are listed, sorted, or it is said that they are not', async () => {
      const subjects = [newSubject(), newSubject()].sort();
      for (const subject of subjects) await registry.register(subject, order([id]));
      if (registry.kind === 'azure') {
        expect(await codeOf(registry.subjects())).toBe('REGISTRY_CANNOT_LIST');
        return;
      }
      const listed = await registry.subjects();
      expect(listed).toEqual([...listed].sort());
      expect(listed.filter((subject) => subjects.includes(subject))).toEqual(subjects);
    });

    test('what breaks one subject is welcome in another', async () => {
      await registry.register(newSubject(), order([id]));
      const ref = await registry.register(newSubject(), order([id, required]));
      sameJson(await registry.lookup(ref.id), order([id, required]));
    });

    test('text that is no schema is refused', async () => {
      for (const text of ['{', '7', '{"type":"nobody"}', '{"type":"record","name":"A"}'])
        expect(await codeOf(registry.register(newSubject(), text))).toBe('SCHEMA_INCOMPATIBLE');
    });

    test('subjects with signs of paths and queries are names like others', async () => {
      const [first, second] =
        registry.kind === 'azure'
          ? [`${newSubject()} a.b?c=d&e#ä`, `${newSubject()}..%2F`]
          : [`${newSubject()} a/b?c=d&e#ä`, `${newSubject()}:..%2F`];
      const ref = await registry.register(first, order([id]));
      expect((await registry.latest(first))?.ref).toEqual(ref);
      await registry.register(second, order([id, optional]));
      sameJson((await registry.latest(first))?.schemaText, order([id]));
    });

    test('a subject that the registry cannot hold is refused, and nothing stands under it', async () => {
      if (registry.kind !== 'azure') return;
      for (const subject of [`${newSubject()}/a`, '-a', `a:${newSubject()}`, 'a'.repeat(51), '']) {
        expect(await codeOf(registry.register(subject, order([id])))).toBe('SCHEMA_INCOMPATIBLE');
        expect(await registry.latest(subject)).toBeUndefined();
        expect(await registry.versions(subject)).toEqual([]);
      }
    });

    test('of writers at the same time each gets an id that holds its schema', async () => {
      const subject = newSubject();
      await using other = await open();
      const texts = Array.from({ length: 6 }, (_, i) => order([id, { ...optional, name: `note${i % 3}` }]));
      const refs = await Promise.all(
        texts.map((text, i) => (i % 2 === 0 ? registry : other).register(subject, text)),
      );
      for (const [i, ref] of refs.entries()) sameJson(await registry.lookup(ref.id), texts[i]!);
      expect(new Set(refs.map((ref) => ref.id)).size).toBe(3);
    });

    test('out of reach is told as such', async () => {
      await using unreachable = await openUnreachable();
      for (const call of [
        () => unreachable.lookup(unreachable.kind === 'azure' ? nobodys.azure : 1),
        () => unreachable.latest('a'),
        () => unreachable.version('a', 1),
        () => unreachable.versions('a'),
        () => unreachable.places(unreachable.kind === 'azure' ? nobodys.azure : 1),
        () => unreachable.register('a', order([id])),
      ])
        expect(await codeOf(call())).toBe('REGISTRY_UNAVAILABLE');
    });
  });
}
