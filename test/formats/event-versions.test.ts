import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetadataChangeEvent } from '../../src/domain/event.ts';
import { incompatibilities } from '../../src/formats/avro-compat.ts';
import { parseAvroSchema } from '../../src/formats/avro-schema.ts';
import { decodeEvent, encodeEvent, eventSchemaSha256, eventSchemaText } from '../../src/formats/event.ts';
import { decodeEventBySchema } from '../../src/formats/event-by-schema.ts';
import { schemaSha256 } from '../../src/formats/json-canonical.ts';
import { uuidBytes } from '../../src/formats/uuid8.ts';
import * as arbitrary from './arbitrary.ts';
import { type EventJson, eventOf, hex, vectors } from './vectors.ts';

/** One version of the event schema that ever wrote into an archive, with bytes of it: kept for ever. */
interface Version {
  readonly version: number;
  readonly sha256: string;
  readonly schema: string;
  readonly events: readonly { readonly name: string; readonly event: EventJson; readonly avro: string }[];
}

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}

interface EventSchema {
  readonly fields: readonly Field[];
}

const folder = new URL('../golden/event-versions/', import.meta.url);
const read = (file: string): Version => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Version;
const versions = readdirSync(folder)
  .map(read)
  .sort((a, b) => a.version - b.version);
const peeked = 8;
const schemaOf = (text: string): EventSchema => JSON.parse(text) as EventSchema;
const today = schemaOf(eventSchemaText);

/** Writes a version once, where it is asked for and not there yet: with the events of the one before, by the code of today. */
function newVersion(): void {
  const { version, events } = versions.at(-1)!;
  const name = `event-v${version + 1}`;
  const file = new URL(`${version + 1}.json`, folder);
  if (process.env.ANNAL_TEST_NEW_GOLDEN !== name || existsSync(file)) return;
  const written = events.map(({ name: of, event }) => ({
    ...{ name: of, event, avro: encodeEvent(eventOf(event)).toString('hex') },
  }));
  const head = { version: version + 1, sha256: eventSchemaSha256, schema: eventSchemaText };
  writeFileSync(file, `${JSON.stringify({ ...head, events: written }, null, 1)}\n`);
  versions.push(read(`${version + 1}.json`));
}
newVersion();

/** Why events of the versions could not be read for ever under this schema: what a change of the file has to keep. */
function faultsOf(candidate: EventSchema): string[] {
  const faults: string[] = [];
  for (const { version, schema } of versions) {
    for (const { at, what } of incompatibilities(candidate, JSON.parse(schema)))
      faults.push(`version ${version}: ${at}: ${what}`);
    const first = schemaOf(schema).fields.slice(0, peeked);
    for (const [i, { name, type }] of first.entries()) {
      const now = candidate.fields[i];
      if (now?.name !== name || JSON.stringify(now.type) !== JSON.stringify(type))
        faults.push(`version ${version}: field ${i}, ${name}, is read without a schema`);
    }
  }
  return faults;
}

test('versions count from 1, each under the hash of its text, and the schema of today is the newest', () => {
  expect(versions.map(({ version }) => version)).toEqual(versions.map((_, i) => i + 1));
  for (const { schema, sha256 } of versions) expect(schemaSha256(schema)).toBe(sha256);
  expect(eventSchemaText).toBe(versions.at(-1)!.schema);
  expect(versions[0]!.sha256).toBe(vectors.schemas.MetadataChangeEvent.sha256);
});

describe.each(versions.map((version) => [version.version, version] as const))('version %i', (_, version) => {
  const schema = parseAvroSchema(JSON.parse(version.schema));

  test.each(version.events)('$name is read as the event it was', ({ event, avro }) => {
    expect(decodeEventBySchema(schema, hex(avro))).toEqual(eventOf(event));
    if (version.sha256 === eventSchemaSha256) expect(decodeEvent(hex(avro))).toEqual(eventOf(event));
  });
});

describe('a change of the schema', () => {
  const fields = (change: (fields: readonly Field[]) => readonly Field[]): EventSchema => ({
    ...today,
    fields: change(today.fields),
  });
  const without = (name: string) => (all: readonly Field[]) => all.filter((field) => field.name !== name);
  const typed = (name: string, type: unknown) => (all: readonly Field[]) =>
    all.map((field) => (field.name === name ? { ...field, type } : field));

  test('as it stands, and a field with a default behind the others, break nothing', () => {
    expect(faultsOf(today)).toEqual([]);
    expect(
      faultsOf(fields((all) => [...all, { name: 'new', type: ['null', 'string'], default: null }])),
    ).toEqual([]);
    expect(faultsOf(fields(without('causationId')))).toEqual([]);
  });

  test.each<[string, EventSchema, string]>([
    ['a field without a default', fields((all) => [...all, { name: 'new', type: 'string' }]), '/new: added'],
    ['text that becomes a number', fields(typed('actor', 'long')), '/actor: string became long'],
    ['a branch that goes', fields(typed('value', ['null', 'int'])), '/value: no branch for bytes'],
    ['a default that goes', fields(typed('source', 'null')), '/source: record annal.Source became null'],
    [
      'a symbol that goes',
      fields(typed('change', { type: 'enum', name: 'Change', symbols: ['UPSERT'] })),
      '/change',
    ],
    [
      'a symbol that comes',
      fields(
        typed('change', { type: 'enum', name: 'Change', symbols: ['UPSERT', 'PATCH', 'DELETE', 'MOVE'] }),
      ),
      'field 2, change, is read without a schema',
    ],
    ['a field in front', fields((all) => [{ name: 'new', type: 'int', default: 0 }, ...all]), 'field 0, urn'],
    ['another order in front', fields(([a, b, ...all]) => [b!, a!, ...all]), 'field 0, urn'],
    ['a field in front that goes', fields(without('namespace')), 'field 4, namespace'],
  ])('is refused: %s', (_, candidate, why) => {
    expect(faultsOf(candidate).join('\n')).toContain(why);
  });
});

describe('an event of a version that has other fields', () => {
  const later = today.fields.slice(peeked);
  const extra: Field = { name: 'unknownHere', type: { type: 'map', values: 'long' }, default: {} };
  const plain = (event: MetadataChangeEvent) => ({
    ...event,
    id: Buffer.from(uuidBytes(event.id)),
    group: event.group === null ? null : Buffer.from(uuidBytes(event.group)),
    source:
      event.source === null ? null : { ...event.source, foreign: Object.fromEntries(event.source.foreign) },
    value: event.value === null ? null : Buffer.from(event.value),
    unknownHere: { a: 1 },
  });
  /** The other encoder loses longs beyond 2^52. */
  const anEvent = arbitrary.event.map(({ occurredAt, expect: condition, ...rest }) => ({
    ...{ ...rest, occurredAt: Math.trunc(occurredAt / 4) + 0 },
    expect: condition && { ...condition, offset: Math.trunc(condition.offset / 4) + 0 },
  }));
  const absent = {
    ...{ actor: '', recordedBy: '', group: null, aspectSchema: null, source: null },
    ...{ correlationId: null, causationId: null, value: null },
  };

  test('is what it was, and what it lacks has its default; what nobody knows is passed over', () => {
    fc.assert(
      fc.property(anEvent, fc.shuffledSubarray([...later, extra]), (event, chosen) => {
        // The type Uuid is defined where it stands first, and named from then on.
        const written = { ...today, fields: [...today.fields.slice(0, peeked), ...chosen] };
        const bytes = avsc.Type.forSchema(written as avsc.Schema).toBuffer(plain(event));
        const kept = Object.fromEntries(
          chosen
            .filter(({ name }) => name in absent)
            .map(({ name }) => [name, event[name as keyof typeof absent]]),
        );
        const decoded = decodeEventBySchema(parseAvroSchema(written), bytes);
        expect(decoded).toEqual({ ...event, ...absent, ...kept });
      }),
    );
  });

  test.each([
    ['a field of the first eight', today.fields.filter(({ name }) => name !== 'entityType')],
    [
      'its text',
      today.fields.map((field) => (field.name === 'actor' ? { name: 'actor', type: 'int' } : field)),
    ],
    ['all of it', [{ name: 'n', type: 'int' }]],
  ] as const)('that lacks %s is undecodable', (_, chosen) => {
    const written = { ...today, fields: chosen };
    const type = avsc.Type.forSchema(written as avsc.Schema);
    const sent = { ...plain(eventOf(versions[0]!.events[0]!.event)), actor: 1, n: 1 };
    const whole = chosen.some(({ name, type: of }) => name === 'actor' && of !== 'int')
      ? { ...sent, actor: '' }
      : sent;
    expect(() => decodeEventBySchema(parseAvroSchema(written), type.toBuffer(whole))).toThrow(
      expect.objectContaining({ code: 'AVRO_INVALID' }),
    );
  });
});
