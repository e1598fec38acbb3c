import { type EntityState, type Head, headOf, isLive, type Step } from '../domain/entity-state.ts';
import { Fault } from '../domain/fault.ts';
import { formatPosition, type Position, parsePosition, versionOf } from '../domain/position.ts';
import { readEvent } from '../formats/event.ts';
import type { Document, FieldKind, SearchFields } from '../ports/read-model.ts';
import { openEnd } from './history.ts';
import { keyword } from './keyword.ts';
import { type Lineage, readLineage, tellsLineage } from './lineage.ts';
import type { Draft, Projection } from './projection.ts';
import { stateBeside } from './state-beside.ts';

/** Fields by which `edges` is searched; part of the projection's version. */
const edgeFields = {
  urn: 'keyword',
  /** Empty where the document tells of a life. */
  aspect: 'keyword',
  namespace: 'keyword',
  /** Every end that something is made from, tables and columns; then what is made. */
  inputs: 'keyword',
  outputs: 'keyword',
  position: 'keyword',
  version: 'long',
  /** Valid [from, to) in append time. */
  from: 'long',
  to: 'long',
} as const satisfies Record<string, FieldKind>;

/** What one applied change of one aspect says of lineage, and how long it was so: docs/formats/edges.md. */
export interface EdgeDocument extends Partial<Lineage> {
  readonly position: string;
  readonly time: number;
  readonly urn: string;
  readonly namespace: string;
  readonly aspect: string;
  /** Null: valid still. */
  readonly to: { readonly position: string; readonly time: number } | null;
}

/** From this event on there was an entity, or none any more, in this namespace. */
export interface LifeDocument {
  readonly position: string;
  readonly time: number;
  readonly urn: string;
  readonly namespace: string;
  readonly deleted: boolean;
}

/**
 * Lineage at any time: one document per applied change of an aspect that tells of it, with all its edges, and one per event
 * with which an entity begins or ends.
 */
export const edges: Projection = {
  definition: { projection: 'edges', version: 1, fields: edgeFields },
  frozen: '8dced5808253d248f4188fa25cad161a5595be3e048411553611b8fff22b9cdc',
  about: 'what is made from what, tables and columns, and when it was so',
  ...stateBeside,
  drafts: (step) => [...endedDrafts(step), ...begunDrafts(step), ...lifeDrafts(step)],
  settled: (step) => [...endedDrafts(step), ...lifeDrafts(step)],
  open: (state) => state.heads.filter(isLineage).map((head) => edgeDraft(state.urn, head, undefined)),
  quarantined: () => [],
  searchOf: ({ id, body }) => {
    if (id.startsWith('~')) return null;
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
    return searchFields(JSON.parse(text) as EdgeDocument | LifeDocument);
  },
};

/** A place in the log and its append time. */
interface Point {
  readonly position: Position;
  readonly time: number;
}

const isLineage = ({ aspect, live }: Head): boolean => live && tellsLineage(aspect);

/** What was said before and ends with this step: of the aspect, or of the whole entity. */
function endedDrafts(step: Step): Draft[] {
  const { before, event, outcome } = step;
  if (before === undefined || outcome !== 'applied') return [];
  return before.heads
    .filter((head) => isLineage(head) && (event.aspect === null || event.aspect === head.aspect))
    .map((head) => edgeDraft(event.urn, head, step));
}

function begunDrafts({ event, after, outcome }: Step): Draft[] {
  if (outcome !== 'applied' || event.aspect === null) return [];
  const head = headOf(after, event.aspect);
  return head === undefined || !isLineage(head) ? [] : [edgeDraft(event.urn, head, undefined)];
}

function edgeDraft(urn: string, head: Head, end: Point | undefined): Draft {
  const id = `@${formatPosition(head.position)}`;
  const version = versionOf((end ?? head).position);
  const render = (): Document => {
    const { namespace, value } = readEvent(head.avro);
    const { edges, columns, unread, unreadable } = readLineage(urn, head.aspect, head.patched ?? value!);
    return rendered(id, version, {
      position: formatPosition(head.position),
      time: head.time,
      urn,
      namespace,
      aspect: head.aspect,
      to: end === undefined ? null : { position: formatPosition(end.position), time: end.time },
      ...(edges.length === 0 ? {} : { edges }),
      ...(columns.length === 0 ? {} : { columns }),
      ...(unread === 0 ? {} : { unread }),
      ...(unreadable === undefined ? {} : { unreadable }),
    });
  };
  return { id, version, render };
}

/** An entity that was never described, is there, or is deleted. */
const lifeOf = (state: EntityState | undefined): 'none' | 'live' | 'deleted' =>
  state === undefined || state.changed === null ? 'none' : isLive(state) ? 'live' : 'deleted';

/** An entity's beginning and end, and its coming into another namespace; nothing later changes what they say. */
function lifeDrafts({ before, after, position, time }: Step): Draft[] {
  const life = lifeOf(after);
  if (life === 'none' || (life === lifeOf(before) && before?.namespace === after.namespace)) return [];
  const id = `+${formatPosition(position)}`;
  const version = versionOf(position);
  const { urn, namespace } = after;
  const told: LifeDocument = {
    ...{ position: formatPosition(position), time, urn, namespace },
    deleted: life === 'deleted',
  };
  return [{ id, version, render: () => rendered(id, version, told) }];
}

const rendered = (id: string, version: number, told: EdgeDocument | LifeDocument): Document => ({
  ...{ id, version, body: Buffer.from(JSON.stringify(told)) },
  search: searchFields(told),
});

function searchFields(told: EdgeDocument | LifeDocument): SearchFields {
  const position = parsePosition(told.position);
  if (position === undefined) throw new Fault('MODEL_CORRUPT', { reason: 'not a position' });
  const common = {
    ...{ urn: keyword(told.urn), namespace: keyword(told.namespace), position: told.position },
    ...{ version: versionOf(position), from: told.time },
  };
  if (!('aspect' in told)) return { ...common, aspect: '', to: openEnd };
  const { edges = [], columns = [] } = told;
  const ends = (end: 'from' | 'to'): string[] => [
    ...new Set([...edges.map((edge) => edge[end]), ...columns.flatMap((edge) => edge[end])]),
  ];
  const inputs = ends('from');
  const outputs = ends('to');
  return {
    ...{ ...common, aspect: told.aspect, to: told.to?.time ?? openEnd },
    ...(inputs.length === 0 ? {} : { inputs }),
    ...(outputs.length === 0 ? {} : { outputs }),
  };
}
