import { hash } from 'node:crypto';
import type { FieldKind, ModelDefinition } from '../../ports/read-model.ts';

/** What an index says about itself in its mapping. */
export interface IndexMeta {
  readonly prefix: string;
  readonly name: string;
  readonly definition: ModelDefinition;
}

/**
 * Words are values that are compared whole or by their beginning, so they are keywords too: an analyser would split at
 * 255 characters and at white space inside a word, and `index_prefixes` misses a beginning outside the Basic
 * Multilingual Plane (both seen on 9.5). They are never sorted by, so they need no columns.
 */
const types: Readonly<Record<FieldKind, object>> = {
  keyword: { type: 'keyword' },
  long: { type: 'long' },
  words: { type: 'keyword', doc_values: false },
};

/** Kept in the source alone: neither searched nor sorted by, and without a bound on its length. */
const kept = { type: 'keyword', index: false, doc_values: false };
/** Kept in the source alone, and never read by the engine: half the work of taking a document in would be its body. */
const unread = { type: 'object', enabled: false };
const keptLong = { type: 'long', index: false, doc_values: false };

/** Everything of ours stands under names of our own, what is declared under `fields`. */
const mapping = ({ fields }: ModelDefinition): object => ({
  doc_id: kept,
  body: unread,
  visible: { type: 'boolean' },
  unindexable: { type: 'keyword' },
  fields: {
    type: 'object',
    dynamic: 'strict',
    properties: Object.fromEntries(Object.entries(fields).map(([name, kind]) => [name, types[kind]])),
  },
  lane: {
    type: 'object',
    dynamic: 'strict',
    properties: { epoch: { type: 'long' }, partition: { type: 'long' }, next: keptLong, time_max: keptLong },
  },
});

/**
 * A new index: fast to fill, surely visible and durable when we refresh and flush it. The engine refreshes it now and then by
 * itself, beside what it takes in: else all that its buffers hold would be written while everybody waits for the end. One
 * shard: so one refresh shows documents and the progress saved after them together, and what a crash takes from an unflushed
 * index is the end of its writes, progress first.
 */
export const newIndex = (meta: IndexMeta, writeAlias: string): object => ({
  settings: {
    number_of_shards: 1,
    number_of_replicas: 0,
    refresh_interval: '5s',
    translog: { durability: 'async' },
  },
  aliases: { [writeAlias]: {} },
  mappings: { dynamic: 'strict', _meta: { annal: meta }, properties: mapping(meta.definition) },
});

/** What decides how documents are indexed, as `GET /<index>` tells it. */
export interface IndexShape {
  readonly mappings: object;
  readonly settings: { readonly index: Readonly<Record<string, unknown>> };
}

/** Settings that decide what of a document is indexed and how; others make it faster or safer. */
const shaping = [
  'analysis',
  'default_pipeline',
  'final_pipeline',
  'mapping',
  'mode',
  'number_of_shards',
  'similarity',
  'sort',
];

/** The shape of an index without what differs from one to the next: its own description, and other settings. */
export function shapeOf({ mappings, settings }: IndexShape): IndexShape {
  const kept = shaping.flatMap((name) => {
    const value = settings.index[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { mappings: { ...mappings, _meta: {} }, settings: { index: Object.fromEntries(kept) } };
}

/** The same as `newIndex` asks for it, in the words in which the engine gives it back. */
export function declaredShape(definition: ModelDefinition): IndexShape {
  const properties = Object.fromEntries(
    Object.entries(mapping(definition)).map(([name, field]) => [name, asTold(field as object)]),
  );
  return {
    mappings: { dynamic: 'strict', _meta: {}, properties },
    settings: { index: { number_of_shards: '1' } },
  };
}

/** An object with properties is told without its type, one without any without its properties. */
function asTold(field: object): object {
  if (!('properties' in field) || !('type' in field)) return field;
  const { type, properties, ...told } = field;
  return Object.keys(properties as object).length === 0 ? { type, ...told } : { ...told, properties };
}

/** An index that serves: durable with each answer, visible by itself, copied where there is a second node. */
export const servingSettings = {
  index: { refresh_interval: '250ms', translog: { durability: 'request' }, auto_expand_replicas: '0-1' },
};

export const visibleOnly = { term: { visible: true } };

const engineIdBytesMax = 512;

/** `_id` of a document: its id, or a hash where the engine takes no such id or we have another use for it. */
export const engineId = (id: string): string =>
  (id.length * 3 > engineIdBytesMax && Buffer.byteLength(id) > engineIdBytesMax) ||
  id === '' ||
  id.startsWith('!') ||
  id.startsWith('sha256:')
    ? `sha256:${hash('sha256', id)}`
    : id;

/** `_id` of the hidden document that keeps a lane's progress. */
export const laneId = ({ epoch, partition }: { epoch: number; partition: number }): string =>
  `!${epoch}-${partition}`;
