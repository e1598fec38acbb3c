import type { EntityState } from '../domain/entity-state.ts';
import type { Source } from '../domain/event.ts';
import { formatPosition } from '../domain/position.ts';
import { urnParts } from '../domain/urn.ts';
import type { FieldKind, SearchFields } from '../ports/read-model.ts';
import { keyword } from './keyword.ts';
import type { HeadContent } from './state-text.ts';
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

/** What `entities` is searched by, computed from the state and the contents of its heads alone. */
export function entitySearchFields(state: EntityState, contents: readonly HeadContent[]): SearchFields {
  const values = new Map<string, Json>();
  for (const [index, { aspect }] of state.heads.entries()) {
    // A value that is no JSON shows as unreadable in the document; it has no words.
    const parsed = contents[index]!.value?.parsed as Json | undefined;
    if (parsed !== undefined && Object.hasOwn(texts, aspect)) values.set(aspect, parsed);
  }
  const name = entityName(state.urn, values);
  const found = [...values].flatMap(([aspect, value]) => texts[aspect]!(value));
  return {
    urn: keyword(state.urn),
    type: keyword(state.entityType),
    namespace: keyword(state.namespace),
    platform: keyword(platformOf(state.urn)),
    owners: keywords(ownersIn(values.get('ownership'))),
    tags: keywords(tagsIn(values.get('globalTags'))),
    sources: keywords(
      contents.flatMap(({ event: { source, change } }) =>
        source === null || change === 'DELETE' ? [] : [sourceName(source)],
      ),
    ),
    position: formatPosition(state.position),
    nameWords: searchWords(name),
    words: searchWords(name, ...urnParts(state.urn), state.entityType, state.namespace, ...found),
  };
}

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
export function entityName(urn: string, values: ReadonlyMap<string, Json>): string {
  for (const [aspect, value] of values) {
    const own = named.has(aspect) ? string(at(value, 'name')) : '';
    if (own !== '') return own;
  }
  const parts = urnParts(urn);
  return (parts.length > 1 ? parts[1] : parts[0]) ?? urn;
}

export function platformOf(urn: string): string {
  const first = urnParts(urn)[0] ?? '';
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
