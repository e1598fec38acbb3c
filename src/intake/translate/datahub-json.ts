import { limits } from '../../domain/event.ts';
import type { AvroValue } from '../../formats/avro-schema.ts';
import type { JsonSpan } from '../../formats/json-text.ts';
import { scanJson } from '../../formats/json-text.ts';
import type { IncomingEvent } from '../incoming-event.ts';
import type { Refusal } from '../refusal.ts';
import { refusalOf } from '../request.ts';
import { type Origin, type RefusedProposal, readProposal } from './datahub-proposal.ts';
import { aspectNamed } from './datahub-types.ts';
import type { AspectAllowList } from './translation.ts';

/** One proposal of a request: the event it is, or why it is none. */
export type SentProposal = { readonly event: IncomingEvent } | RefusedProposal;

/** The proposals of a request in their order, or why nothing of it was looked at. */
export type SentProposals =
  | { readonly kind: 'read'; readonly proposals: readonly SentProposal[] }
  | { readonly kind: 'invalid'; readonly fault: Refusal };

/** What DataHub's REST clients send is at most so deep around the values of aspects. */
const envelopeDepthMax = 8;
const snapshotSpanDepth = 7;
const entitySpanDepth = 3;

/** A request says nothing of where it stood, so intake names its events. */
const sent: Origin = { id: null, foreign: [], cameAt: null };

const invalid = (code: Refusal['code'], pointer: string, detail: string): SentProposals => ({
  kind: 'invalid',
  fault: { code, pointer, detail },
});

/** Parsed JSON as decoded Avro: objects are Maps. */
function asAvro(value: unknown): AvroValue {
  if (Array.isArray(value)) return value.map(asAvro);
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([name, member]) => [name, asAvro(member)]));
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

const isList = (value: AvroValue | undefined): value is readonly AvroValue[] => Array.isArray(value);

const isFields = (value: AvroValue | undefined): value is ReadonlyMap<string, AvroValue> =>
  value instanceof Map;

/** The text of an aspect's value as the bytes that it is. */
function withBytes(proposal: AvroValue): AvroValue {
  if (!isFields(proposal)) return proposal;
  const aspect = proposal.get('aspect');
  const value = isFields(aspect) ? aspect.get('value') : undefined;
  if (!isFields(aspect) || typeof value !== 'string') return proposal;
  return new Map([...proposal, ['aspect', new Map([...aspect, ['value', Buffer.from(value)]])]]);
}

/** Reads a body that is JSON as a whole; where it is none, all of it is refused. */
function readWhole(body: Buffer, spanDepth: number, read: (root: JsonSpan) => SentProposals): SentProposals {
  const depthMax = limits.jsonDepthMax + envelopeDepthMax;
  const verdict = scanJson(body, { depthMax, spanDepth, protoForbidden: true });
  return verdict.verdict === 'accept' ? read(verdict.root) : { kind: 'invalid', fault: refusalOf(verdict) };
}

const read = (proposals: readonly SentProposal[]): SentProposals => ({ kind: 'read', proposals });

const tooMany = (count: number): SentProposals =>
  invalid(
    'TOO_MANY_EVENTS',
    '',
    `${count} proposals were sent at once, at most ${limits.eventsPerRequestMax} are taken`,
  );

/**
 * The body of `/aspects?action=ingestProposal` (`{proposal}`) or `ingestProposalBatch` (`{proposals}`): values of aspects are
 * texts in it. At most 1,000 proposals.
 */
export const readIngestProposals = (body: Buffer, allowList: AspectAllowList): SentProposals =>
  readWhole(body, 0, () => {
    const members = asAvro(JSON.parse(body.toString('utf8')));
    const fields: ReadonlyMap<string, AvroValue> = isFields(members) ? members : new Map();
    const proposals = fields.has('proposal') ? [fields.get('proposal')!] : fields.get('proposals');
    if (!isList(proposals)) return invalid('EVENT_SHAPE', '', 'holds neither `proposal` nor `proposals`');
    if (proposals.length > limits.eventsPerRequestMax) return tooMany(proposals.length);
    return read(proposals.map((proposal) => readProposal(withBytes(proposal), sent, allowList)));
  });

const memberOf = (span: JsonSpan | undefined, name: string): JsonSpan | undefined =>
  span?.members?.find(({ key }) => key === name)?.value;

const parsed = (body: Buffer, span: JsonSpan | undefined): AvroValue =>
  span === undefined ? null : asAvro(JSON.parse(body.toString('utf8', span.start, span.end)));

/** A proposal by its members; `value` is cut out of the body as it was sent. */
function proposalOf(
  fields: Readonly<Record<string, AvroValue>>,
  body: Buffer,
  value: JsonSpan | undefined,
): AvroValue {
  const aspect: AvroValue =
    value === undefined
      ? null
      : new Map<string, AvroValue>([
          ['value', body.subarray(value.start, value.end)],
          ['contentType', 'application/json'],
        ]);
  return new Map<string, AvroValue>([...Object.entries(fields), ['aspect', aspect]]);
}

/** What the address of a request says of all its proposals. */
export interface OpenApiRequest {
  readonly entityType: string;
  readonly changeType: 'UPSERT' | 'CREATE' | 'PATCH';
}

/** The body of `/openapi/v3/entity/<type>`: an array of `{urn, <aspect>: {value, systemMetadata, headers}}`. */
export const readOpenApiEntities = (
  body: Buffer,
  { entityType, changeType }: OpenApiRequest,
  allowList: AspectAllowList,
): SentProposals =>
  readWhole(body, entitySpanDepth, ({ items }) => {
    if (items === undefined) return invalid('EVENT_SHAPE', '', 'is no array of entities');
    const proposals: SentProposal[] = [];
    for (const [index, item] of items.entries()) {
      const entityUrn = parsed(body, memberOf(item, 'urn'));
      const aspects = (item.members ?? []).filter(({ key, value }) => key !== 'urn' && value.kind !== 'null');
      if (aspects.length === 0) return invalid('EVENT_SHAPE', `/${index}`, 'names no aspect');
      for (const { key: aspectName, value: aspect } of aspects) {
        const systemMetadata = parsed(body, memberOf(aspect, 'systemMetadata'));
        const headers = parsed(body, memberOf(aspect, 'headers'));
        const fields = { entityType, entityUrn, changeType, aspectName, systemMetadata, headers };
        const proposal = proposalOf(fields, body, memberOf(aspect, 'value'));
        proposals.push(readProposal(proposal, sent, allowList));
      }
    }
    return proposals.length > limits.eventsPerRequestMax ? tooMany(proposals.length) : read(proposals);
  });

/**
 * The body of `/entities?action=ingest`: `{entity: {value: {<snapshot>: {urn, aspects: [{<record>: value}]}}}, systemMetadata}`,
 * a MetadataChangeEvent. Every aspect is an UPSERT of its own.
 */
export const readIngestEntity = (body: Buffer, allowList: AspectAllowList): SentProposals =>
  readWhole(body, snapshotSpanDepth, (root) => {
    const [snapshot, second] = memberOf(memberOf(root, 'entity'), 'value')?.members ?? [];
    const aspects = memberOf(snapshot?.value, 'aspects')?.items;
    if (aspects === undefined || second !== undefined)
      return invalid('EVENT_SHAPE', '/entity/value', 'is no snapshot with aspects');
    if (aspects.some(({ members = [] }) => members.length > 1))
      return invalid('EVENT_SHAPE', '/entity/value', 'holds several records where one aspect belongs');
    if (aspects.length > limits.eventsPerRequestMax) return tooMany(aspects.length);
    const entityUrn = parsed(body, memberOf(snapshot?.value, 'urn'));
    const systemMetadata = parsed(body, memberOf(root, 'systemMetadata'));
    return read(
      aspects.map((aspect) => {
        const [record] = aspect.members ?? [];
        const aspectName = record === undefined ? null : aspectNamed(record.key);
        const fields = { entityUrn, changeType: 'UPSERT', aspectName, systemMetadata };
        return readProposal(proposalOf(fields, body, record?.value), sent, allowList);
      }),
    );
  });

/** The body of `/entities?action=delete`: `{urn}`, the whole entity. */
export const readDeleteEntity = (body: Buffer, allowList: AspectAllowList): SentProposals =>
  readWhole(body, 1, (root) => read([deletionOf(parsed(body, memberOf(root, 'urn')), allowList)]));

/** The deletion of an entity, as its URN alone says it. */
export function deletionOf(entityUrn: AvroValue, allowList: AspectAllowList): SentProposal {
  const fields: [string, AvroValue][] = [
    ['entityUrn', entityUrn],
    ['changeType', 'DELETE'],
  ];
  return readProposal(new Map(fields), sent, allowList);
}
