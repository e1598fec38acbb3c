import type { EntityState } from '../domain/entity-state.ts';
import type { Source } from '../domain/event.ts';
import { formatPosition } from '../domain/position.ts';
import { urnParts } from '../domain/urn.ts';
import { readEvent } from '../formats/event.ts';
import type { FieldKind, SearchFields } from '../ports/read-model.ts';
import { parsedValue, readValue } from './event-text.ts';
import { type HeadContent, headContents } from './head-content.ts';
import { keyword } from './keyword.ts';
import { readState } from './state-text.ts';
import { searchWords } from './words.ts';

/** Fields by which `entities` is searched; part of the projection's version. */
export const entityFields = {
  urn: 'keyword',
  type: 'keyword',
  namespace: 'keyword',
  platform: 'keyword',
  owners: 'keyword',
  tags: 'keyword',
  /** `plugin:root` of the changes that made what is there now: who would have to say that it vanished. */
  sources: 'keyword',
  position: 'keyword',
  nameWords: 'words',
  words: 'words',
} as const satisfies Record<string, FieldKind>;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Aspects whose texts are searched. Others are stored and shown, and found by their entity only. */
const texts: Readonly<Record<string, (value: Json) => string[]>> = {
  datasetProperties: (value) => [...described(value), ...entries(at(value, 'customProperties'))],
  containerProperties: described,
  dataProductProperties: described,
  dataJobInfo: described,
  dataFlowInfo: described,
  domainProperties: described,
  glossaryTermInfo: (value) => [...described(value), string(at(value, 'definition'))],
  tagProperties: described,
  schemaMetadata: (value) =>
    list(at(value, 'fields')).flatMap((field) => [
      string(at(field, 'fieldPath')),
      string(at(field, 'description')),
      ...list(at(at(field, 'globalTags'), 'tags')).map((tag) => lastPart(string(at(tag, 'tag')))),
    ]),
  ownership: (value) => ownersIn(value).map(lastPart),
  globalTags: (value) => tagsIn(value).map(lastPart),
  glossaryTerms: (value) => list(at(value, 'terms')).map((term) => lastPart(string(at(term, 'urn')))),
  domains: (value) => list(at(value, 'domains')).map((domain) => lastPart(string(domain))),
};

/** What the search fields of an entity come from. */
interface Searched {
  readonly urn: string;
  readonly entityType: string;
  readonly namespace: string;
  /** Of its last event. */
  readonly position: string;
  /** Of aspects that are searched and whose value is JSON, in the order of the heads. */
  readonly values: ReadonlyMap<string, Json>;
  /** `sourceName` of each head that was not deleted and names one. */
  readonly sources: readonly string[];
}

/** What `entities` is searched by, computed from the state and the contents of its heads alone. */
export function entitySearchFields(state: EntityState, contents: readonly HeadContent[]): SearchFields {
  const values = new Map<string, Json>();
  for (const [index, { aspect }] of state.heads.entries()) {
    const { value } = contents[index]!;
    if (value === undefined || !Object.hasOwn(texts, aspect)) continue;
    // A value that is no JSON shows as unreadable in the document; it has no words.
    const parsed = parsedValue(value) as Json | undefined;
    if (parsed !== undefined) values.set(aspect, parsed);
  }
  const sources = contents.flatMap(({ event, value }) =>
    value === undefined || !event.hasSource ? [] : [sourceName(readEvent(event.bytes).source!)],
  );
  return searchFields({ ...state, position: formatPosition(state.position), values, sources });
}

function searchFields({ urn, entityType, namespace, position, values, sources }: Searched): SearchFields {
  const parts = urnParts(urn);
  const name = entityName(urn, values, parts);
  const found = [...values].flatMap(([aspect, value]) => texts[aspect]!(value));
  return {
    urn: keyword(urn),
    type: keyword(entityType),
    namespace: keyword(namespace),
    platform: keyword(platformOf(urn, parts)),
    owners: keywords(ownersIn(values.get('ownership'))),
    tags: keywords(tagsIn(values.get('globalTags'))),
    sources: keywords(sources),
    position,
    nameWords: searchWords(name),
    words: searchWords(name, ...parts, entityType, namespace, ...found),
  };
}

/** An entity's document, as far as it is searched: docs/formats/entity-state.md. */
interface StoredEntity {
  readonly urn: string;
  readonly type: string;
  readonly namespace: string;
  readonly deleted: boolean;
  readonly position: string;
  readonly aspects: Readonly<Record<string, StoredHead>>;
}

interface StoredHead {
  readonly event: {
    readonly change: string;
    readonly source?: { readonly plugin: string; readonly foreign: Readonly<Record<string, string>> };
  };
  readonly value?: Json;
  readonly valueBytes?: string;
}

/** The same from the document's body: what a search should find it by. Null: by nothing, it is deleted. */
export function searchFieldsOf(body: Uint8Array): SearchFields | null {
  const stored = JSON.parse(
    Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(),
  ) as StoredEntity;
  if (stored.deleted) return null;
  const heads = Object.entries(stored.aspects);
  if (heads.some(([aspect]) => reordered.test(aspect))) {
    const state = readState(body);
    return entitySearchFields(state, headContents(state));
  }
  const values = new Map<string, Json>();
  const sources: string[] = [];
  for (const [aspect, { event, value, valueBytes }] of heads) {
    if (event.source !== undefined && event.change !== 'DELETE') sources.push(storedSource(event.source));
    if (!Object.hasOwn(texts, aspect)) continue;
    const parsed =
      valueBytes === undefined ? value : (parsedValue(readValue(Buffer.from(valueBytes, 'base64'))) as Json);
    if (parsed !== undefined) values.set(aspect, parsed);
  }
  return searchFields({ ...stored, entityType: stored.type, values, sources });
}

/** `JSON.parse` puts such members first. */
const reordered = /^[0-9]/u;

const storedSource = ({ plugin, foreign }: NonNullable<StoredHead['event']['source']>): string =>
  `${plugin}:${Object.hasOwn(foreign, 'root') ? foreign.root : ''}`;

/** What a search by source looks for. */
export const sourceName = ({ plugin, foreign }: Pick<Source, 'plugin' | 'foreign'>): string =>
  `${plugin}:${foreign.get('root') ?? ''}`;

const named = new Set([
  'datasetProperties',
  'containerProperties',
  'dataProductProperties',
  'dataJobInfo',
  'dataFlowInfo',
  'domainProperties',
  'glossaryTermInfo',
  'tagProperties',
]);

/** The name people know an entity by: its own, else the telling part of its URN. */
export function entityName(
  urn: string,
  values: ReadonlyMap<string, Json>,
  parts: readonly string[] = urnParts(urn),
): string {
  for (const [aspect, value] of values) {
    const own = named.has(aspect) ? string(at(value, 'name')) : '';
    if (own !== '') return own;
  }
  return (parts.length > 1 ? parts[1] : parts[0]) ?? urn;
}

export function platformOf(urn: string, [first = '']: readonly string[] = urnParts(urn)): string {
  const platform =
    /urn:li:dataPlatform:([^,()]+)/u.exec(first) ?? /^([^,():]+)$/u.exec(urn.includes('(') ? first : '');
  return platform?.[1] ?? '';
}

export const ownersIn = (value: Json | undefined): string[] =>
  list(at(value, 'owners')).map((owner) => string(at(owner, 'owner')));
export const tagsIn = (value: Json | undefined): string[] =>
  list(at(value, 'tags')).map((tag) => string(at(tag, 'tag')));

function described(value: Json): string[] {
  return [string(at(value, 'name')), string(at(value, 'qualifiedName')), string(at(value, 'description'))];
}

const at = (value: Json | undefined, name: string): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? value[name]
    : undefined;
const string = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const entries = (value: Json | undefined): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([name, text]) => [name, string(text)])
    : [];
const lastPart = (urn: string): string => urn.slice(urn.lastIndexOf(':') + 1);

const keywords = (texts: readonly string[]): string[] => [
  ...new Set(texts.filter((text) => text !== '').map(keyword)),
];
