import type { AvroValue } from '../../formats/avro-schema.ts';
import type { IncomingEvent } from '../incoming-event.ts';
import { originOf, readProposal } from './datahub-proposal.ts';
import { aspectNamed } from './datahub-types.ts';
import type { AspectAllowList, ForeignPlace, Translation } from './translation.ts';

type Fields = ReadonlyMap<string, AvroValue>;

const isFields = (value: AvroValue | undefined): value is Fields => value instanceof Map;

/** DataHub's JSON has the short names of records. */
const shortName = (name: string): string => name.replace('.pegasus2avro.', '.');

/**
 * A decoded value (`unionsNamed`) as the JSON that DataHub's SDK makes of it: what is null is left out, bytes are text of one
 * character each, the members of unions have their short names.
 */
function jsonOf(value: AvroValue): string {
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('latin1'));
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(', ')}]`;
  if (!isFields(value as AvroValue)) return JSON.stringify(value);
  const members = [...(value as Fields)].filter(([, member]) => member !== null);
  return `{${members.map(([name, member]) => `${JSON.stringify(shortName(name))}: ${jsonOf(member)}`).join(', ')}}`;
}

const refusal = (pointer: string, detail: string): Translation => ({
  refusal: { code: 'EVENT_SHAPE', pointer, detail },
  ...{ urn: null, entityType: null, aspect: null },
});

/**
 * A decoded MetadataChangeEvent (`unionsNamed`): an UPSERT for each aspect of its snapshot, in their order. Refused as a whole
 * where its URN is none.
 */
export function translateSnapshot(
  change: AvroValue,
  place: ForeignPlace,
  allowList: AspectAllowList,
): Translation {
  if (!isFields(change)) return refusal('', 'is no MetadataChangeEvent');
  const union = change.get('proposedSnapshot');
  const snapshot = isFields(union) ? [...union.values()][0] : undefined;
  const aspects = isFields(snapshot) ? snapshot.get('aspects') : undefined;
  if (!isFields(snapshot) || !Array.isArray(aspects) || aspects.length === 0)
    return refusal('/proposedSnapshot', 'is no snapshot with aspects');
  const events: IncomingEvent[] = [];
  for (const [index, named] of (aspects as readonly AvroValue[]).entries()) {
    const [type, value] = isFields(named) ? [...named][0]! : ['', null];
    const aspect = new Map<string, AvroValue>([
      ['value', Buffer.from(jsonOf(value))],
      ['contentType', 'application/json'],
    ]);
    const proposal = new Map<string, AvroValue>([
      ['entityUrn', snapshot.get('urn') ?? null],
      ['changeType', 'UPSERT'],
      ['aspectName', aspectNamed(type)],
      ['aspect', aspect],
      ['systemMetadata', change.get('systemMetadata') ?? null],
    ]);
    const read = readProposal(proposal, originOf(place, index), allowList);
    if (!('event' in read)) return read;
    events.push(read.event);
  }
  return { events };
}
