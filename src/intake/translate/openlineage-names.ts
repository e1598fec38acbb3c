import type { Facets } from './openlineage-facets.ts';
import { memberOf, objectOf, textOf } from './openlineage-facets.ts';

/** A dataset or job as OpenLineage names it. */
export interface ForeignName {
  readonly namespace: string;
  readonly name: string;
}

/** Schemes of namespaces whose platform is called otherwise in URNs. */
const platforms: Readonly<Record<string, string>> = {
  abfs: 'abs',
  abfss: 'abs',
  awsglue: 'glue',
  gs: 'gcs',
  s3a: 's3',
  s3n: 's3',
  sqlserver: 'mssql',
  wasb: 'abs',
  wasbs: 'abs',
};

/** Schemes whose namespace holds a bucket or container: part of the name of what lies in it. */
const stores = new Set(['abs', 'gcs', 's3']);

/** The platform of a dataset whose namespace tells none; then the namespace is part of its name. */
const unknown = 'openlineage';

const reserved: Readonly<Record<string, string>> = { ',': '%2C', '(': '%28', ')': '%29' };

/** A text as a part of a URN's key: what separates parts there is percent-encoded, as DataHub's SDK does it. */
const part = (text: string): string => text.replace(/[,()]/g, (character) => reserved[character]!);

const schemeOf = (namespace: string): string => /^([a-z][a-z0-9+.-]*)(?::|$)/i.exec(namespace)?.[1] ?? '';

/** What stands between `://` and the first slash behind it, without a user and a port. */
const authorityOf = (namespace: string): string => /^[^:]*:\/\/([^/]*)/.exec(namespace)?.[1] ?? '';

/**
 * The URN of a dataset (naming of OpenLineage, `spec/Naming.md`): the scheme of its namespace is the platform; the name is the
 * name, behind bucket or container where it is a path in a store. The host of a server is no part of it, so that lineage meets
 * what catalogues of that server tell.
 */
export function datasetUrn({ namespace, name }: ForeignName): string {
  const scheme = schemeOf(namespace).toLowerCase();
  const platform = platforms[scheme] ?? (/^[a-z][a-z0-9]*$/.test(scheme) ? scheme : unknown);
  const container = authorityOf(namespace).split('@', 1)[0]!;
  const path = name.replace(/^\/+/, '').replace(/\/+$/, '');
  const inStore = [container, path].filter((each) => each !== '').join('/');
  const full = stores.has(platform) ? inStore : platform === unknown ? `${namespace}.${name}` : name;
  return `urn:li:dataset:(urn:li:dataPlatform:${platform},${part(full)},PROD)`;
}

/** A namespace as it may be shown: without a password that a connection's address brought along. */
export const shownNamespace = (namespace: string): string => namespace.replace(/\/\/[^/@]*:[^/@]*@/, '//');

export const fieldUrn = (dataset: string, field: string): string =>
  `urn:li:schemaField:(${dataset},${part(field)})`;

export const runUrn = (runId: string): string => `urn:li:dataProcessInstance:${runId}`;

/** A job, its flow, and which of them an event is about. */
export interface JobNames {
  readonly orchestrator: string;
  readonly flow: string;
  readonly flowUrn: string;
  /** Undefined: the event is about the flow itself. */
  readonly job: string | undefined;
  readonly urn: string;
  /** Whether the flow is the job of the parent run. */
  readonly isTold: boolean;
}

const flowKinds = new Set(['APPLICATION', 'DAG', 'WORKFLOW', 'FLOW']);

/** Who runs it: said by the job, else by the producer's address (`…/integration/<name>`, `…/<name>`). */
function orchestratorOf(jobFacets: Facets, producer: string): string {
  const said = textOf(objectOf(memberOf(jobFacets, 'jobType')), 'integration');
  const told =
    /\/integration\/([A-Za-z][A-Za-z0-9_-]*)/.exec(producer)?.[1] ??
    /(airflow|spark|dbt|flink|dagster)/i.exec(producer)?.[1];
  const name = (said ?? told ?? unknown).toLowerCase();
  return /^[a-z][a-z0-9_-]{0,63}$/.test(name) ? name : unknown;
}

/**
 * A job `<flow>.<step>` is a step of a flow. The flow is the job of the parent run where its name begins the job's, else what
 * stands before the first dot; a job without a dot is the one step of a flow of its name, unless it says that it is a flow.
 */
export function jobNames(
  { namespace, name }: ForeignName,
  {
    facets,
    parentJob,
    producer,
    moves,
  }: {
    readonly facets: Facets;
    readonly parentJob: string | undefined;
    readonly producer: string;
    /** Whether the event names datasets. */
    readonly moves: boolean;
  },
): JobNames {
  const orchestrator = orchestratorOf(facets, producer);
  const place = part(shownNamespace(namespace));
  const kind = textOf(objectOf(memberOf(facets, 'jobType')), 'jobType') ?? '';
  const dot = name.indexOf('.');
  const below = parentJob !== undefined && parentJob !== '' && name.startsWith(`${parentJob}.`);
  const flow = below ? parentJob : dot > 0 ? name.slice(0, dot) : name;
  const step = below || dot > 0 ? name.slice(flow.length + 1) : name;
  const isFlow = flowKinds.has(kind.toUpperCase()) && !moves;
  const flowUrn = `urn:li:dataFlow:(${orchestrator},${part(isFlow ? name : flow)},${place})`;
  return isFlow || step === ''
    ? { orchestrator, flow: name, flowUrn, job: undefined, urn: flowUrn, isTold: false }
    : {
        orchestrator,
        flow,
        flowUrn,
        job: step,
        urn: `urn:li:dataJob:(${flowUrn},${part(step)})`,
        isTold: below,
      };
}
