import { judgeJson } from '../../src/formats/json-text.ts';
import { type Aspect, type Place, type PlainEvent, text } from './plain-text.ts';

// What `edges` says of a value, by docs/formats/edges.md alone, written apart from src/projections/lineage.ts.

// biome-ignore lint/suspicious/noExplicitAny: any JSON value; its members are looked at and judged below.
type Json = any;

const into: Readonly<Record<string, string>> = {
  upstreamLineage: 'upstreams',
  dataJobInputOutput: 'inputDatasets inputDatasetEdges inputDatajobs inputDatajobEdges inputDatasetFields',
  dataProcessInstanceInput: 'inputs inputEdges',
  dataProcessInstanceOutput: '',
  dataProcessInstanceRelationships: 'upstreamInstances',
  chartInfo: 'inputs inputEdges',
  dashboardInfo: 'charts chartEdges datasets datasetEdges dashboards',
};
const outOf: Readonly<Record<string, string>> = {
  dataJobInputOutput: 'outputDatasets outputDatasetEdges outputDatasetFields',
  dataProcessInstanceOutput: 'outputs outputEdges',
};

export const tellsOfLineage = (aspect: string): boolean => Object.keys(into).includes(aspect);

export function edgeText(
  urn: string,
  aspect: string,
  { event, place, value }: Aspect,
  end: Place | null,
): string {
  const to = end === null ? 'null' : `{"position":"${end.position}","time":${end.time}}`;
  return (
    `{"position":"${place.position}","time":${place.time},"urn":${text(urn)},` +
    `"namespace":${text(event.namespace)},"aspect":${text(aspect)},"to":${to}${toldText(urn, aspect, value!)}}`
  );
}

export const lifeText = (
  { urn, namespace }: PlainEvent,
  { position, time }: Place,
  deleted: boolean,
): string =>
  `{"position":"${position}","time":${time},"urn":${text(urn)},"namespace":${text(namespace)},"deleted":${deleted}}`;

function toldText(urn: string, aspect: string, value: Buffer): string {
  const verdict = judgeJson(value);
  if (verdict !== 'accept') return `,"unreadable":"${verdict}"`;
  const told: Json = JSON.parse(value.toString());
  const edges: Json[] = [];
  let unread = 0;
  const edge = (from: string, to: string, type?: unknown): void => {
    if (edges.some((one) => one.from === from && one.to === to)) return;
    edges.push({ from, to, type: typeof type === 'string' ? type.slice(0, 300) : undefined });
  };
  const end = (given: Json): string[] => {
    if (typeof given === 'string' && /^urn:/.test(given) && Buffer.byteLength(given) <= 1_024) return [given];
    unread += 1;
    return [];
  };
  const items = (names = ''): Json[] => names.split(' ').flatMap((name) => list(told?.[name]));
  const named = (item: Json): Json =>
    typeof item === 'string' ? item : (item?.dataset ?? item?.destinationUrn ?? item?.string);
  for (const item of items(into[aspect]))
    for (const from of end(named(item))) edge(table(from), urn, item?.type);
  for (const item of items(outOf[aspect])) for (const to of end(named(item))) edge(urn, table(to));
  const columns = items('fineGrainedLineages').flatMap((one) => {
    const from = [...new Set(list(one?.upstreams).flatMap(end))];
    const downstreams = [...new Set(list(one?.downstreams).flatMap(end))];
    const to = downstreams.length === 0 ? [urn] : downstreams;
    if (from.length === 0) return [];
    for (const column of from) if (table(column) !== urn) edge(table(column), urn);
    if (outOf[aspect] !== undefined)
      for (const column of to) if (table(column) !== urn) edge(urn, table(column));
    const operation = one.transformOperation;
    return [{ from, to, operation: typeof operation === 'string' ? operation.slice(0, 300) : undefined }];
  });
  const some = (name: string, of: Json[]): string =>
    of.length === 0 ? '' : `,"${name}":${JSON.stringify(of)}`;
  return some('edges', edges) + some('columns', columns) + (unread === 0 ? '' : `,"unread":${unread}`);
}

const list = (given: Json): Json[] => (Array.isArray(given) ? given : []);

/** The first part of a column's key, by its parentheses. */
function table(urn: string): string {
  const begin = 'urn:li:schemaField:(';
  if (!urn.startsWith(begin)) return urn;
  let depth = 0;
  for (let at = begin.length; at < urn.length; at += 1) {
    if (urn[at] === '(') depth += 1;
    if (urn[at] === ')') depth -= 1;
    if (urn[at] === ',' && depth === 0)
      return urn.startsWith('urn:', begin.length) ? urn.slice(begin.length, at) : urn;
  }
  return urn;
}
