"""Publishes one change to the inbox topic of an Annal, through a schema registry.

pip install "confluent-kafka[avro,schemaregistry]"
CONNECTION_STRING=127.0.0.1:9092 EVENTHUB=annal.inbox SCHEMA_REGISTRY_URL=http://127.0.0.1:8081 \
  python3 over_kafka.py ../../../schemas/events/MetadataChangeEvent.avsc
"""
import json
import os
import re
import sys
import time
import uuid

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext


def endpoint(connection):
    """A connection string of Event Hubs, or host:port,host:port in clear."""
    namespace = re.search(r"Endpoint=sb://([^/;]+)", connection)
    if namespace is None:
        return {"bootstrap.servers": connection}
    return {
        "bootstrap.servers": namespace[1] + ":9093",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "$ConnectionString",
        "sasl.password": connection,
    }


def main():
    topic = os.environ["EVENTHUB"]
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = file.read()
    # Without a time limit the client waits for ever where a registry does not answer; with one it asks again.
    registry = SchemaRegistryClient({"url": os.environ["SCHEMA_REGISTRY_URL"], "timeout": 10})
    serialize = AvroSerializer(registry, schema)
    # In the order of the keys of Java's clients; at least once is enough, for the id makes the effect once.
    producer = Producer({**endpoint(os.environ["CONNECTION_STRING"]), "partitioner": "murmur2_random", "acks": "all"})
    urn = "urn:li:dataset:(urn:li:dataPlatform:python,samples.tides,PROD)"
    event = {
        "urn": urn,
        "aspect": "datasetProperties",
        "change": "UPSERT",
        "id": uuid.uuid4().bytes,
        "occurredAt": int(time.time() * 1000),
        "value": json.dumps({"name": "tides"}).encode(),
        "source": {"plugin": "python-sample", "version": "1", "runId": "", "foreign": {}},
        # Intake decides these.
        "namespace": "",
        "entityType": "",
        "recordedBy": "",
        "expect": None,
        "actor": "",
        "group": None,
        "aspectSchema": None,
        "correlationId": None,
        "causationId": None,
    }

    def delivered(error, message):
        if error is not None:
            raise SystemExit(str(error))
        print(f"MCE Published {urn} inbox:{message.partition()}-{message.offset()}")

    value = serialize(event, SerializationContext(topic, MessageField.VALUE))
    producer.produce(topic, key=urn, value=value, on_delivery=delivered)
    if producer.flush(30) > 0:
        raise SystemExit("not acknowledged within 30 s")


main()
