import { decodeEventBySchema } from '../../formats/event-by-schema.ts';
import { bridgeId, type Dialect } from './translation.ts';

const nilUuid = '00000000-0000-0000-0000-000000000000';

/**
 * The inbox: events in our own Avro schema, any version, written by clients that speak Kafka themselves. What intake decides
 * (namespace, entityType, recordedBy, aspectSchema) is decided again; the rest is taken as sent. An event with the nil UUID
 * gets an id from where it stands. Nothing about its place is added: a client that sends it twice sends the same event.
 */
export const inbox: Dialect = {
  name: 'inbox',
  translate(schema, payload, place) {
    const event = decodeEventBySchema(schema, payload);
    const { urn, aspect, change, value, occurredAt, expect, actor, group, source } = event;
    const { correlationId, causationId } = event;
    const id = event.id === nilUuid ? bridgeId(place, 0) : event.id;
    return {
      events: [
        {
          ...{ urn, aspect, change, value, id, occurredAt, expect, actor, group, source },
          ...{ correlationId, causationId, opaqueAllowed: false },
        },
      ],
    };
  },
};
