"""Sends runs of a job through OpenLineage's Python client, as its integrations do. Arguments: address of the server, token."""

import sys

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    documentation_job,
    job_type_job,
    schema_dataset,
)
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

address, token = sys.argv[1:]
PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/client/python"
RUN = "018f3c5a-6d0c-7f54-9c35-5d2f3f1f7c11"
ORDERS = ("postgres://db.example:5432", "shop.public.orders")

job = Job(
    namespace="shop",
    name="billing.make_invoices",
    facets={
        "documentation": documentation_job.DocumentationJobFacet(description="Joins orders."),
        "jobType": job_type_job.JobTypeJobFacet("BATCH", "AIRFLOW", "TASK"),
    },
)
orders = InputDataset(
    *ORDERS,
    facets={
        "schema": schema_dataset.SchemaDatasetFacet(
            fields=[schema_dataset.SchemaDatasetFacetFields(name="id", type="bigint")]
        )
    },
)
invoices = OutputDataset(
    "snowflake://org-account",
    "WH.PUBLIC.INVOICES",
    facets={
        "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={
                "ORDER_ID": column_lineage_dataset.Fields(
                    inputFields=[column_lineage_dataset.InputField(*ORDERS, field="id")],
                    transformationDescription="",
                    transformationType="IDENTITY",
                )
            }
        )
    },
)


def event(state, second, inputs, outputs):
    return RunEvent(
        eventType=state,
        eventTime=f"2024-05-03T03:00:0{second}.000Z",
        run=Run(runId=RUN),
        job=job,
        producer=PRODUCER,
        inputs=inputs,
        outputs=outputs,
    )


for compression in (None, HttpCompression.GZIP):
    config = HttpConfig(url=address, auth=ApiKeyTokenProvider({"api_key": token}), compression=compression)
    client = OpenLineageClient(transport=HttpTransport(config))
    # The second time it is the same events again.
    client.emit(event(RunState.START, 1, [], []))
    client.emit(event(RunState.COMPLETE, 2, [orders], [invoices]))
