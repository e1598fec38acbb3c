import {
  type Facets,
  fieldsOf,
  kindOf,
  listOf,
  memberOf,
  objectOf,
  type Told,
  textOf,
} from './openlineage-facets.ts';
import { datasetUrn, fieldUrn } from './openlineage-names.ts';

/** A dataset of an event. */
export interface NamedDataset {
  readonly urn: string;
  readonly name: string;
  readonly facets: Facets;
}

const unknownActor = 'urn:li:corpuser:unknown';

/** What an event tells of a dataset beside lineage: nothing where it merely names it. */
export function datasetAspects({ urn, name, facets }: NamedDataset): Told[] {
  const told: Told[] = [];
  const description = textOf(objectOf(memberOf(facets, 'documentation')), 'description');
  if (description !== undefined)
    told.push({
      urn,
      aspect: 'datasetProperties',
      value: { customProperties: {}, name, description, tags: [] },
    });
  const fields = fieldsOf(objectOf(memberOf(facets, 'schema')));
  if (fields.length > 0) told.push({ urn, aspect: 'schemaMetadata', value: schemaOf(urn, name, fields) });
  const change = textOf(objectOf(memberOf(facets, 'lifecycleStateChange')), 'lifecycleStateChange');
  if (change !== undefined) told.push({ urn, aspect: 'status', value: { removed: change === 'DROP' } });
  return told;
}

function schemaOf(urn: string, schemaName: string, fields: ReturnType<typeof fieldsOf>): object {
  return {
    ...{ schemaName, platform: urn.slice(urn.indexOf('(') + 1, urn.indexOf(',')), version: 0, hash: '' },
    platformSchema: { 'com.linkedin.schema.OtherSchema': { rawSchema: '' } },
    fields: fields.map(({ path, type, description }) => ({
      fieldPath: path,
      nullable: true,
      type: { type: { [`com.linkedin.schema.${kindOf(type)}`]: {} } },
      nativeDataType: type,
      ...(description === undefined ? {} : { description }),
      ...{ recursive: false, isPartOfKey: false },
    })),
  };
}

/** What an event tells of a dataset that it reads and does not write: what is there already is known better elsewhere. */
export const aspectsOfInput = (dataset: NamedDataset, written: readonly NamedDataset[]): Told[] =>
  written.some(({ urn }) => urn === dataset.urn)
    ? []
    : datasetAspects(dataset)
        .filter(({ aspect }) => aspect !== 'status')
        .map((told) => ({ ...told, onlyNew: true }));

/** Where the columns of a dataset come from, by its facet `columnLineage`. */
export function columnsOf({ urn, facets }: NamedDataset): readonly object[] {
  const fields = objectOf(memberOf(objectOf(memberOf(facets, 'columnLineage')), 'fields'));
  return Object.entries(fields).flatMap(([column, given]) => {
    const from = listOf(memberOf(objectOf(given), 'inputFields'))
      .map(objectOf)
      .flatMap(fieldNamed);
    if (from.length === 0) return [];
    const transformation = transformationOf(objectOf(given));
    return [
      {
        upstreamType: 'FIELD_SET',
        upstreams: [...new Set(from)],
        downstreamType: 'FIELD',
        downstreams: [fieldUrn(urn, column)],
        ...(transformation === undefined ? {} : { transformOperation: transformation }),
        confidenceScore: 1,
      },
    ];
  });
}

function fieldNamed(input: Facets): string[] {
  const [namespace, name] = [textOf(input, 'namespace'), textOf(input, 'name')];
  const field = textOf(input, 'field');
  if (namespace === undefined || name === undefined || field === undefined) return [];
  return [fieldUrn(datasetUrn({ namespace, name }), field)];
}

/** How it is made, in the words of the facet; the older form says it of the column, the newer of each input. */
function transformationOf(column: Facets): string | undefined {
  const words = listOf(memberOf(column, 'inputFields')).flatMap((input) =>
    listOf(memberOf(objectOf(input), 'transformations')).map((one) =>
      [textOf(objectOf(one), 'type'), textOf(objectOf(one), 'subtype')]
        .filter((word) => word !== undefined)
        .join(':'),
    ),
  );
  const said = [...new Set(words)].filter((word) => word !== '').join(', ');
  return said === '' ? textOf(column, 'transformationType') : said;
}

/** What a job reads and writes, columns too. */
export const inputsAndOutputs = (
  inputs: readonly NamedDataset[],
  outputs: readonly NamedDataset[],
): object => {
  const columns = outputs.flatMap(columnsOf);
  return {
    ...{ inputDatasets: [], inputDatasetEdges: edgesTo(inputs) },
    ...{ outputDatasets: [], outputDatasetEdges: edgesTo(outputs) },
    ...(columns.length === 0 ? {} : { fineGrainedLineages: columns }),
  };
};

const edgesTo = (datasets: readonly NamedDataset[]): object[] =>
  [...new Set(datasets.map(({ urn }) => urn))].map((destinationUrn) => ({ destinationUrn }));

/** Lineage that a dataset tells of itself, without a job. */
export function lineageOf(dataset: NamedDataset): Told[] {
  const columns = columnsOf(dataset);
  if (columns.length === 0) return [];
  const fields = objectOf(memberOf(objectOf(memberOf(dataset.facets, 'columnLineage')), 'fields'));
  const upstreams = new Set(
    Object.values(fields).flatMap((field) =>
      listOf(memberOf(objectOf(field), 'inputFields'))
        .map(objectOf)
        .flatMap((input) => {
          const [namespace, name] = [textOf(input, 'namespace'), textOf(input, 'name')];
          return namespace === undefined || name === undefined ? [] : [datasetUrn({ namespace, name })];
        }),
    ),
  );
  const value = {
    upstreams: [...upstreams].map((upstream) => ({
      auditStamp: { time: 0, actor: unknownActor },
      dataset: upstream,
      type: 'TRANSFORMED',
    })),
    fineGrainedLineages: columns,
  };
  return [{ urn: dataset.urn, aspect: 'upstreamLineage', value }];
}
