import { mustNotExist, type Source } from '../../domain/event.ts';
import type { FaultCode } from '../../domain/fault.ts';
import { entityTypeOf, urnFault } from '../../domain/urn.ts';
import type { AvroValue } from '../../formats/avro-schema.ts';
import type { IncomingEvent } from '../incoming-event.ts';
import { isTakenOpaque } from './datahub-aspects.ts';
import { keptOf } from './datahub-kept.ts';
import { type AspectAllowList, bridgeId, type ForeignPlace, type Translation } from './translation.ts';

type Fields = ReadonlyMap<string, AvroValue>;

const jsonType = /^application\/json\s*(?:;|$)/i;
const noRun = 'no-run-id-provided';

const isFields = (value: AvroValue | undefined): value is Fields => value instanceof Map;

const textOf = (fields: Fields, name: string): string | null => {
  const value = fields.get(name);
  return typeof value === 'string' ? value : null;
};

const recordOf = (fields: Fields, name: string): Fields => {
  const value = fields.get(name);
  return isFields(value) ? value : new Map();
};

const timeOf = (fields: Fields, name: string): number | null => {
  const value = fields.get(name);
  return typeof value === 'number' && value > 0 ? value : null;
};

/** Where a proposal came from: what of it is shown, what names its event, and when it came. */
export interface Origin {
  /** UUID; null: intake gives one. */
  readonly id: string | null;
  readonly foreign: readonly (readonly [name: string, text: string])[];
  /** UTC milliseconds, for a proposal that tells no time of its own; null: not known. */
  readonly cameAt: number | null;
}

/** A record of a topic as an origin; `index` among the events it holds. */
export const originOf = (place: ForeignPlace, index: number): Origin => ({
  id: bridgeId(place, index),
  foreign: [
    ['topic', place.topic],
    ['partition', String(place.partition)],
    ['offset', String(place.offset)],
  ],
  cameAt: place.appendTime < 0 ? null : place.appendTime,
});

/** What the sender says about the proposal, beside where it stood; nothing here decides anything. */
function sourceOf(proposal: Fields, origin: Origin): Source {
  const metadata = recordOf(proposal, 'systemMetadata');
  const foreign = new Map<string, string>(origin.foreign);
  for (const name of ['pipelineName', 'registryName', 'registryVersion']) {
    const text = textOf(metadata, name);
    if (text !== null) foreign.set(name, text);
  }
  const extras = [
    ['property', recordOf(metadata, 'properties')],
    ['header', recordOf(proposal, 'headers')],
  ] as const;
  for (const [kind, members] of extras)
    for (const [name, text] of members) if (typeof text === 'string') foreign.set(`${kind}.${name}`, text);
  const runId = textOf(metadata, 'runId') ?? '';
  return { plugin: 'datahub', version: '', runId: runId === noRun ? '' : runId, foreign };
}

/** Who changed the aspect according to its sender; left out where that is no URN. */
function actorOf(metadata: Fields): string | null {
  for (const stamp of ['aspectModified', 'aspectCreated']) {
    const actor = textOf(recordOf(metadata, stamp), 'actor');
    if (actor !== null && urnFault(actor) === undefined) return actor;
  }
  return null;
}

/** Why a proposal of these words has no counterpart, if so. */
function faultOf(proposal: Fields): { code: FaultCode; pointer: string; detail: string } | undefined {
  const shape = (pointer: string, detail: string) => ({ code: 'EVENT_SHAPE' as const, pointer, detail });
  const urn = textOf(proposal, 'entityUrn');
  const change = textOf(proposal, 'changeType');
  if (urn === null)
    return isFields(proposal.get('entityKeyAspect'))
      ? shape('/entityKeyAspect', 'names its entity by a key aspect; send entityUrn')
      : shape('/entityUrn', 'is required');
  if (urnFault(urn) !== undefined)
    return { code: 'URN_INVALID', pointer: '/entityUrn', detail: 'is not a URN that can name an entity' };
  const type = textOf(proposal, 'entityType');
  if (type !== null && type.toLowerCase() !== entityTypeOf(urn).toLowerCase())
    return shape('/entityType', 'is not the type that the URN names');
  if (change === 'PATCH')
    return { code: 'PATCH_DIALECT', pointer: '/changeType', detail: 'a PATCH in the dialect of DataHub' };
  if (change === 'DELETE') return undefined;
  if (change !== 'UPSERT' && change !== 'CREATE') {
    const detail = `${change ?? 'none'} has no counterpart; UPSERT, CREATE and DELETE have`;
    return { code: 'CHANGE_UNSUPPORTED', pointer: '/changeType', detail };
  }
  if (textOf(proposal, 'aspectName') === null) return shape('/aspectName', `is required for ${change}`);
  const aspect = recordOf(proposal, 'aspect');
  if (!(aspect.get('value') instanceof Uint8Array)) return shape('/aspect', `is required for ${change}`);
  return jsonType.test(textOf(aspect, 'contentType') ?? '')
    ? undefined
    : {
        code: 'CONTENT_TYPE_UNSUPPORTED',
        pointer: '/aspect/contentType',
        detail: 'is not application/json',
      };
}

/** Why nothing was made of a proposal, as far as it could be read. */
export type RefusedProposal = Extract<Translation, { readonly refusal: unknown }>;

/**
 * A MetadataChangeProposal as one event: UPSERT; CREATE as an UPSERT that expects the aspect not to exist; DELETE of an aspect,
 * or of the entity where it names none. The value's bytes are passed on as they are, but for the reports of ingestion runs, of
 * which only what holds no recipe, log or argument is kept.
 */
export function readProposal(
  proposal: AvroValue,
  origin: Origin,
  allowList: AspectAllowList,
): { readonly event: IncomingEvent } | RefusedProposal {
  if (!isFields(proposal)) {
    const refusal = { code: 'EVENT_SHAPE', pointer: '', detail: 'is no MetadataChangeProposal' } as const;
    return { refusal, urn: null, entityType: null, aspect: null };
  }
  const [urn, aspect] = [textOf(proposal, 'entityUrn'), textOf(proposal, 'aspectName')];
  const refusal = faultOf(proposal);
  if (refusal !== undefined || urn === null)
    return { refusal: refusal!, urn, entityType: textOf(proposal, 'entityType'), aspect };
  const metadata = recordOf(proposal, 'systemMetadata');
  const changeType = textOf(proposal, 'changeType');
  const value = recordOf(proposal, 'aspect').get('value');
  const event: IncomingEvent = {
    urn,
    aspect,
    change: changeType === 'DELETE' ? 'DELETE' : 'UPSERT',
    value: changeType !== 'DELETE' && value instanceof Uint8Array ? keptOf(aspect, value) : null,
    id: origin.id,
    occurredAt: timeOf(metadata, 'lastObserved') ?? origin.cameAt,
    expect: changeType === 'CREATE' ? mustNotExist : null,
    actor: actorOf(metadata),
    group: null,
    source: sourceOf(proposal, origin),
    correlationId: null,
    causationId: null,
    opaqueAllowed: aspect !== null && isTakenOpaque(urn, aspect, allowList),
  };
  return { event };
}
