"""Writes and reads records of Avro by a registry with Confluent's API, as a producer of Python would."""

import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

url, token, topic = sys.argv[1:4]
place = SerializationContext(topic, MessageField.VALUE)


def client():
    return SchemaRegistryClient({"url": url, "basic.auth.user.info": f"anybody:{token}"})


def order(*more):
    fields = [{"name": "id", "type": "string"}, *more]
    return json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": fields})


note = {"name": "note", "type": ["null", "string"], "default": None}
first = AvroSerializer(client(), order())({"id": "a"}, place)
second = AvroSerializer(client(), order(note))({"id": "b", "note": "n"}, place)
again = AvroSerializer(client(), order())({"id": "a"}, place)

refused = None
try:
    AvroSerializer(client(), order({"name": "total", "type": "long"}))({"id": "c", "total": 1}, place)
except SchemaRegistryError as error:
    refused = {"status": error.http_status_code, "code": error.error_code, "message": error.error_message}

reader = client()
latest = reader.get_latest_version(f"{topic}-value")
told = {
    "first": first.hex(),
    "second": second.hex(),
    "same": first == again,
    "refused": refused,
    "read": [AvroDeserializer(reader)(value, place) for value in (first, second)],
    "resolved": AvroDeserializer(reader, order(note))(first, place),
    "latest": {"id": latest.schema_id, "version": latest.version},
    "versions": reader.get_versions(f"{topic}-value"),
    "compatible": reader.test_compatibility(f"{topic}-value", Schema(order(note), "AVRO")),
    "subjects": reader.get_subjects(),
}
print(json.dumps(told))
