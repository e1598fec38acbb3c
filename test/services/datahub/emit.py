"""Emits proposals as an ingestion of DataHub does, and writes a line of JSON for each delivered one.

Arguments: brokers, URL of the schema registry, topic, topic of snapshots, number of datasets, file of lines. Each dataset gets the eight
aspects below; then come proposals that Annal does not take, `expect` naming why; then two snapshots, of a dataset and of a person.
"""

import json
import sys

from datahub.emitter.kafka_emitter import DatahubKafkaEmitter, KafkaEmitterConfig
from datahub.emitter.mcp import MetadataChangeProposalWrapper
from datahub.metadata import schema_classes as models
from datahub.specific.dataset import DatasetPatchBuilder

brokers, registry, topic, snapshots, datasets, told = sys.argv[1:]
STAMP = models.AuditStampClass(time=1_700_000_000_000, actor="urn:li:corpuser:u1")


def dataset_urn(n):
    return f"urn:li:dataset:(urn:li:dataPlatform:hive,lake.table_{n},PROD)"


def field(name, kind, native):
    return models.SchemaFieldClass(
        fieldPath=name, type=models.SchemaFieldDataTypeClass(type=kind), nativeDataType=native
    )


def aspects(n):
    yield models.DatasetPropertiesClass(
        name=f"table_{n}",
        description=f"Größe of table {n} – café ☗ \U0001f40d",
        customProperties={"rows": "1e3", "n": str(n)},
    )
    yield models.SchemaMetadataClass(
        schemaName=f"table_{n}",
        platform="urn:li:dataPlatform:hive",
        version=0,
        hash="",
        platformSchema=models.OtherSchemaClass(rawSchema=""),
        fields=[
            field("id", models.NumberTypeClass(), "bigint"),
            field(f"col_{n}", models.StringTypeClass(), "string"),
        ],
    )
    yield models.OwnershipClass(
        owners=[models.OwnerClass(owner=f"urn:li:corpGroup:g{n % 7}", type="DATAOWNER")],
        lastModified=STAMP,
    )
    yield models.GlobalTagsClass(
        tags=[models.TagAssociationClass(tag=f"urn:li:tag:tag_{n % 5}")]
    )
    yield models.DomainsClass(domains=[f"urn:li:domain:d{n % 3}"])
    yield models.UpstreamLineageClass(
        upstreams=[
            models.UpstreamClass(dataset=dataset_urn((n + 1) % int(datasets)), type="TRANSFORMED")
        ]
    )
    yield models.StatusClass(removed=False)
    yield models.BrowsePathsV2Class(path=[models.BrowsePathEntryClass(id="lake")])


def accepted():
    for n in range(int(datasets)):
        for aspect in aspects(n):
            yield MetadataChangeProposalWrapper(entityUrn=dataset_urn(n), aspect=aspect), None


def refused():
    urn = dataset_urn(0)
    yield from (
        (patch, "PATCH_DIALECT")
        for patch in DatasetPatchBuilder(urn).add_tag(
            models.TagAssociationClass(tag="urn:li:tag:late")
        ).build()
    )
    person = models.CorpUserInfoClass(active=True, displayName="Ann Example", email="ann@example.org")
    yield (
        MetadataChangeProposalWrapper(entityUrn="urn:li:corpuser:ann", aspect=person),
        "SEALING_REQUIRED",
    )
    access = models.AccessClass(roles=[])
    yield MetadataChangeProposalWrapper(entityUrn=urn, aspect=access), "ASPECT_UNKNOWN"
    restated = MetadataChangeProposalWrapper(
        entityUrn=urn, changeType="RESTATE", aspect=models.StatusClass(removed=True)
    )
    yield restated, "CHANGE_UNSUPPORTED"


def snapshots_of():
    yield models.DatasetSnapshotClass(
        urn="urn:li:dataset:(urn:li:dataPlatform:hive,lake.snapshot,PROD)",
        aspects=[
            models.StatusClass(removed=False),
            models.DatasetPropertiesClass(name="snapshot", customProperties={"rows": "1e3"}),
        ],
    )
    yield models.CorpUserSnapshotClass(
        urn="urn:li:corpuser:ann", aspects=[models.CorpUserInfoClass(active=True)]
    )


def or_exit(error, _message):
    if error is not None:
        raise SystemExit(f"not delivered: {error}")


def value_of(proposal):
    made = proposal.make_mcp() if isinstance(proposal, MetadataChangeProposalWrapper) else proposal
    return made.aspectName, json.loads(made.aspect.value)


def telling(proposal, expect, lines):
    aspect, value = value_of(proposal)

    def delivered(error, message):
        if error is not None:
            raise SystemExit(f"not delivered: {error}")
        line = {
            "urn": proposal.entityUrn,
            "aspect": aspect,
            "value": value,
            "partition": message.partition(),
            "offset": message.offset(),
            "expect": expect,
        }
        print(json.dumps(line), file=lines)

    return delivered


emitter = DatahubKafkaEmitter(
    KafkaEmitterConfig.model_validate(
        {
            "connection": {
                "bootstrap": brokers,
                "schema_registry_url": registry,
                # Without it the client waits for ever where a registry does not answer (see `heard.ts`).
                "schema_registry_config": {"timeout": 5},
            },
            "topic_routes": {"MetadataChangeProposal": topic, "MetadataChangeEvent": snapshots},
        }
    )
)
with open(told, "w", encoding="utf-8") as lines:
    for emit in (accepted, refused):
        for proposal, expect in emit():
            emitter.emit(proposal, telling(proposal, expect, lines))
    for snapshot in snapshots_of():
        emitter.emit(models.MetadataChangeEventClass(proposedSnapshot=snapshot), or_exit)
    emitter.close()
