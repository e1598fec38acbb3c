/** Packages of DataHub's records, and the aspects whose record is named after them there. */
const packages: Readonly<Record<string, readonly string[]>> = {
  'com.linkedin.chart': ['chartInfo'],
  'com.linkedin.common': [
    'browsePaths',
    'browsePathsV2',
    'dataPlatformInstance',
    'dataTransformLogic',
    'deprecation',
    'embed',
    'globalTags',
    'glossaryTerms',
    'inputFields',
    'institutionalMemory',
    'operation',
    'ownership',
    'siblings',
    'status',
    'subTypes',
    'versionProperties',
  ],
  'com.linkedin.container': ['container', 'containerProperties', 'editableContainerProperties'],
  'com.linkedin.dashboard': ['dashboardInfo'],
  'com.linkedin.datacontract': ['dataContractProperties'],
  'com.linkedin.datajob': ['dataFlowInfo', 'dataJobInfo', 'dataJobInputOutput', 'versionInfo'],
  'com.linkedin.dataplatform': ['dataPlatformInfo'],
  'com.linkedin.dataplatforminstance': ['dataPlatformInstanceProperties'],
  'com.linkedin.dataprocess': [
    'dataProcessInstanceProperties',
    'dataProcessInstanceRelationships',
    'dataProcessInstanceRunEvent',
  ],
  'com.linkedin.dataproduct': ['dataProductKey', 'dataProductProperties'],
  'com.linkedin.dataset': [
    'datasetDeprecation',
    'datasetProperties',
    'datasetUsageStatistics',
    'editableDatasetProperties',
    'partitionsSummary',
    'upstreamLineage',
    'viewProperties',
  ],
  'com.linkedin.datatype': ['dataTypeInfo', 'dataTypeKey'],
  'com.linkedin.domain': ['domainProperties', 'domains'],
  'com.linkedin.entitytype': ['entityTypeInfo', 'entityTypeKey'],
  'com.linkedin.glossary': ['glossaryNodeInfo', 'glossaryRelatedTerms', 'glossaryTermInfo'],
  'com.linkedin.identity': ['corpGroupInfo', 'corpUserInfo'],
  'com.linkedin.ingestion': ['dataHubIngestionSourceInfo'],
  'com.linkedin.metadata.key': [
    'assertionKey',
    'chartKey',
    'containerKey',
    'dashboardKey',
    'dataContractKey',
    'dataFlowKey',
    'dataHubIngestionSourceKey',
    'dataJobKey',
    'dataPlatformInstanceKey',
    'dataPlatformKey',
    'dataProcessInstanceKey',
    'datasetKey',
    'domainKey',
    'glossaryNodeKey',
    'glossaryTermKey',
    'notebookKey',
    'ownershipTypeKey',
    'queryKey',
    'schemaFieldKey',
    'tagKey',
    'versionSetKey',
  ],
  'com.linkedin.notebook': ['notebookInfo'],
  'com.linkedin.ownership': ['ownershipTypeInfo'],
  'com.linkedin.query': ['queryProperties', 'querySubjects'],
  'com.linkedin.schema': ['editableSchemaMetadata', 'schemaMetadata'],
  'com.linkedin.structured': ['structuredProperties', 'structuredPropertyKey'],
  'com.linkedin.tag': ['tagProperties'],
  'com.linkedin.test': ['testResults'],
  'com.linkedin.versionset': ['versionSetProperties'],
};

/** Those with a name of their own. */
const ownNames: Readonly<Record<string, string>> = {
  dataHubExecutionRequestInput: 'com.linkedin.execution.ExecutionRequestInput',
  dataHubExecutionRequestKey: 'com.linkedin.metadata.key.ExecutionRequestKey',
  dataHubExecutionRequestResult: 'com.linkedin.execution.ExecutionRequestResult',
  mlFeatureKey: 'com.linkedin.metadata.key.MLFeatureKey',
  mlFeatureProperties: 'com.linkedin.ml.metadata.MLFeatureProperties',
  mlFeatureTableKey: 'com.linkedin.metadata.key.MLFeatureTableKey',
  mlFeatureTableProperties: 'com.linkedin.ml.metadata.MLFeatureTableProperties',
  mlModelDeploymentKey: 'com.linkedin.metadata.key.MLModelDeploymentKey',
  mlModelGroupKey: 'com.linkedin.metadata.key.MLModelGroupKey',
  mlModelGroupProperties: 'com.linkedin.ml.metadata.MLModelGroupProperties',
  mlModelKey: 'com.linkedin.metadata.key.MLModelKey',
  mlModelProperties: 'com.linkedin.ml.metadata.MLModelProperties',
  mlPrimaryKeyKey: 'com.linkedin.metadata.key.MLPrimaryKeyKey',
  mlPrimaryKeyProperties: 'com.linkedin.ml.metadata.MLPrimaryKeyProperties',
  propertyDefinition: 'com.linkedin.structured.StructuredPropertyDefinition',
  schemafieldInfo: 'com.linkedin.schemafield.SchemaFieldInfo',
};

const typeByAspect = new Map([
  ...Object.entries(packages).flatMap(([place, aspects]) =>
    aspects.map((aspect): [string, string] => [
      aspect,
      `${place}.${aspect[0]!.toUpperCase()}${aspect.slice(1)}`,
    ]),
  ),
  ...Object.entries(ownNames),
]);
const aspectByType = new Map([...typeByAspect].map(([aspect, type]) => [type, aspect]));

/** The full name of the record of an aspect, as DataHub's REST answers say it; undefined: none that is known here. */
export const datahubTypeOf = (aspect: string): string | undefined => typeByAspect.get(aspect);

/**
 * The aspect that a record is, by its full name, as snapshots name it in Avro (`pegasus2avro`) or JSON; of a record that is
 * not known here, what DataHub most likely calls it.
 */
export function aspectNamed(type: string): string {
  const last = type.slice(type.lastIndexOf('.') + 1);
  const known = aspectByType.get(type.replace('.pegasus2avro.', '.'));
  return known ?? `${last.slice(0, 1).toLowerCase()}${last.slice(1)}`;
}
