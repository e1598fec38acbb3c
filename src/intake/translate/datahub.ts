import { type AvroValue, decodeAvro } from '../../formats/avro-schema.ts';
import { datahubTechnicalAspects } from './datahub-aspects.ts';
import { originOf, readProposal } from './datahub-proposal.ts';
import { translateSnapshot } from './datahub-snapshot.ts';
import type { AspectAllowList, Dialect, ForeignPlace, Translation } from './translation.ts';

/** A decoded MetadataChangeProposal of a topic as events: see `readProposal`. */
export function translateProposal(
  proposal: AvroValue,
  place: ForeignPlace,
  allowList: AspectAllowList = datahubTechnicalAspects,
): Translation {
  const read = readProposal(proposal, originOf(place, 0), allowList);
  return 'event' in read ? { events: [read.event] } : read;
}

/** DataHub's `MetadataChangeProposal_v1`, as its SDKs write it to Kafka. */
export const datahub = (allowList: AspectAllowList = datahubTechnicalAspects): Dialect => ({
  name: 'datahub',
  translate: (schema, payload, place) => translateProposal(decodeAvro(schema, payload), place, allowList),
});

/** DataHub's `MetadataChangeEvent_v4`: snapshots of entities, a union of aspects. */
export const datahubSnapshots = (allowList: AspectAllowList = datahubTechnicalAspects): Dialect => ({
  name: 'datahub-snapshots',
  translate: (schema, payload, place) =>
    translateSnapshot(decodeAvro(schema, payload, { unionsNamed: true }), place, allowList),
});
