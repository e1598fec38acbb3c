import type { AspectAllowList } from './translation.ts';
/**
 * DataHub's aspects of a technical kind that ship without a schema here. Left out on purpose: what holds sample values
 * (`datasetProfile`), queries and credentials, or persons.
 */
export const datahubTechnicalAspects: AspectAllowList = [
  'assertionKey',
  'browsePaths',
  'browsePathsV2',
  'chartInfo',
  'chartKey',
  'containerKey',
  'dashboardInfo',
  'dashboardKey',
  'dataContractKey',
  'dataFlowKey',
  'dataHubExecutionRequestInput',
  'dataHubExecutionRequestKey',
  'dataHubExecutionRequestResult',
  'dataHubIngestionSourceInfo',
  'dataHubIngestionSourceKey',
  'dataJobKey',
  'dataPlatformInfo',
  'dataPlatformInstanceKey',
  'dataPlatformInstanceProperties',
  'dataPlatformKey',
  'dataProcessInstanceKey',
  'dataProductKey',
  'dataTransformLogic',
  'dataTypeInfo',
  'dataTypeKey',
  'datasetDeprecation',
  'datasetKey',
  'deprecation',
  'domainKey',
  'editableContainerProperties',
  'editableDatasetProperties',
  'editableSchemaMetadata',
  'embed',
  'entityTypeInfo',
  'entityTypeKey',
  'glossaryNodeInfo',
  'glossaryNodeKey',
  'glossaryRelatedTerms',
  'glossaryTermKey',
  'inputFields',
  'mlFeatureKey',
  'mlFeatureProperties',
  'mlFeatureTableKey',
  'mlFeatureTableProperties',
  'mlModelDeploymentKey',
  'mlModelGroupKey',
  'mlModelGroupProperties',
  'mlModelKey',
  'mlModelProperties',
  'mlPrimaryKeyKey',
  'mlPrimaryKeyProperties',
  'notebookInfo',
  'notebookKey',
  'operation',
  'ownershipTypeInfo',
  'ownershipTypeKey',
  'partitionsSummary',
  'propertyDefinition',
  'queryKey',
  'querySubjects',
  'schemaFieldKey',
  'schemafieldInfo',
  'siblings',
  'structuredProperties',
  'structuredPropertyKey',
  'tagKey',
  'testResults',
  'versionInfo',
  'versionProperties',
  'versionSetKey',
  'versionSetProperties',
  'viewProperties',
];

/** The statement of a view's query is the definition that its `viewProperties` hold; other queries hold what people asked. */
const isOfView = (urn: string, aspect: string, allowList: AspectAllowList): boolean =>
  aspect === 'queryProperties' &&
  urn.startsWith('urn:li:query:view_') &&
  allowList.includes('viewProperties');

/** Whether an aspect without a schema is taken as it is. */
export const isTakenOpaque = (urn: string, aspect: string, allowList: AspectAllowList): boolean =>
  allowList.includes('*') || allowList.includes(aspect) || isOfView(urn, aspect, allowList);
