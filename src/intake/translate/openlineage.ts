import { hash } from 'node:crypto';
import { mustNotExist, type Source } from '../../domain/event.ts';
import { urnFault } from '../../domain/urn.ts';
import type { JsonSpan } from '../../formats/json-text.ts';
import { scanJson } from '../../formats/json-text.ts';
import { isUuid, uuid8 } from '../../formats/uuid8.ts';
import type { IncomingEvent } from '../incoming-event.ts';
import { orRefusal, type Refusal } from '../refusal.ts';
import { refusalOf } from '../request.ts';
import {
  aspectsOfInput,
  datasetAspects,
  inputsAndOutputs,
  lineageOf,
  type NamedDataset,
} from './openlineage-datasets.ts';
import { type Facets, listOf, memberOf, objectOf, type Told, textOf } from './openlineage-facets.ts';
import { datasetUrn, jobNames, runUrn, shownNamespace } from './openlineage-names.ts';

/** A foreign event as events of ours, or why it is none. */
export type LineageEvent = { readonly events: readonly IncomingEvent[] } | RefusedLineage;

export interface RefusedLineage {
  readonly refusal: Refusal;
  readonly urn: string | null;
  readonly aspect: string | null;
}

export type LineageEvents =
  | { readonly kind: 'read'; readonly sent: readonly LineageEvent[] }
  | { readonly kind: 'invalid'; readonly fault: Refusal };

const depthMax = 512;
const eventsPerRequestMax = 100;
const datasetsPerEventMax = 200;
const unknownActor = 'urn:li:corpuser:unknown';

const invalid = (code: Refusal['code'], pointer: string, detail: string): LineageEvents => ({
  kind: 'invalid',
  fault: { code, pointer, detail },
});

/**
 * The body of `POST /api/v1/lineage`: one event of OpenLineage (2.0 of its specification: of a run, a job or a dataset), or up to
 * 100 in an array. Its text is judged for what is needed to read it; what is not understood of it is left out, so its numbers and
 * keys need not be ours.
 */
export function readLineageEvents(body: Buffer, principal: string): LineageEvents {
  const verdict = scanJson(body, { depthMax, spanDepth: 1, syntaxOnly: true });
  if (verdict.verdict !== 'accept') return { kind: 'invalid', fault: refusalOf(verdict) };
  const { root } = verdict;
  const spans: readonly JsonSpan[] = root.items ?? [root];
  if (spans.length > eventsPerRequestMax) {
    const detail = `${spans.length} events were sent at once, at most ${eventsPerRequestMax} are taken`;
    return invalid('TOO_MANY_EVENTS', '', detail);
  }
  return {
    kind: 'read',
    sent: spans.map(({ start, end }) => {
      const text = body.subarray(start, end);
      const digest = hash('sha256', text, 'hex');
      const read = orRefusal(() => translateLineage(JSON.parse(text.toString('utf8')), digest, principal));
      return 'taken' in read ? read.taken : { refusal: read.refusal, urn: null, aspect: null };
    }),
  };
}

const refused = (pointer: string, detail: string): RefusedLineage => ({
  refusal: { code: 'EVENT_SHAPE', pointer, detail },
  urn: null,
  aspect: null,
});

const unnamable: Refusal = {
  ...{ code: 'URN_INVALID', pointer: '' },
  detail: 'a name makes no URN that can name an entity',
};

/** UTC milliseconds of a date and time of ISO 8601: without a zone it is one of UTC, wherever this runs; NaN for what is none. */
function timeIn(text: string): number {
  const parts = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(text);
  return parts === null ? Number.NaN : Date.parse(parts[1] === undefined ? `${text}Z` : text);
}

/**
 * One parsed event. `digest` is of its text: with the principal it names the events made of it, so that sending the same again
 * has no second effect. Aspects follow in the order flow, job, datasets, lineage, run.
 */
export function translateLineage(given: unknown, digest: string, principal: string): LineageEvent {
  const event = objectOf(given);
  const time = timeIn(textOf(event, 'eventTime') ?? '');
  if (!Number.isFinite(time)) return refused('/eventTime', 'is required: a time in ISO 8601');
  const job = objectOf(memberOf(event, 'job'));
  const single = memberOf(event, 'dataset');
  const [inputs, outputs] = ['inputs', 'outputs'].map((side) => listOf(memberOf(event, side)).map(asDataset));
  const datasets = [...inputs!, ...outputs!, ...(single === undefined ? [] : [asDataset(single)])];
  if (datasets.length > datasetsPerEventMax)
    return refused('', `names ${datasets.length} datasets, at most ${datasetsPerEventMax} are taken`);
  if (datasets.includes(undefined)) return refused('', 'a dataset needs a namespace and a name');
  const named = (side: readonly (NamedDataset | undefined)[]): NamedDataset[] =>
    side.filter((dataset) => dataset !== undefined);
  // Each of its columns would name it again.
  if (named(datasets).some(({ urn, facets }) => 'columnLineage' in facets && urnFault(urn) !== undefined))
    return { refusal: unnamable, urn: null, aspect: null };
  const written = named([...outputs!, ...(single === undefined ? [] : [asDataset(single)])]);
  const toldOfDatasets = [
    ...named(inputs!).flatMap((dataset) => aspectsOfInput(dataset, written)),
    ...written.flatMap(datasetAspects),
  ];
  const isJob = textOf(job, 'name') !== undefined && textOf(job, 'namespace') !== undefined;
  if (!isJob && single === undefined) return refused('/job', 'needs a namespace and a name');
  const read = isJob
    ? ofJob(event, job, { time, inputs: named(inputs!), outputs: named(outputs!), toldOfDatasets })
    : { told: [...toldOfDatasets, ...lineageOf(named(datasets)[0]!)] };
  if ('refusal' in read) return read;
  const source = sourceOf(event, job);
  const correlationId = textOf(objectOf(memberOf(event, 'run')), 'runId') ?? null;
  const group = uuid8('annal-id/openlineage', principal, digest);
  const events = read.told.map(
    ({ urn, aspect, value, onlyNew }, index): IncomingEvent => ({
      ...{ urn, aspect, change: 'UPSERT', value: Buffer.from(JSON.stringify(value)) },
      id: uuid8('annal-id/openlineage', principal, digest, String(index)),
      ...{ occurredAt: time, expect: onlyNew === true ? mustNotExist : null, actor: null, group, source },
      ...{ correlationId, causationId: null, opaqueAllowed: false },
    }),
  );
  const wrong = events.find(({ urn }) => urnFault(urn) !== undefined);
  return wrong === undefined
    ? { events }
    : {
        refusal: unnamable,
        ...{ urn: wrong.urn, aspect: wrong.aspect },
      };
}

/** A dataset as an event names it; undefined where it does not. */
function asDataset(given: unknown): NamedDataset | undefined {
  const dataset = objectOf(given);
  const [namespace, name] = [textOf(dataset, 'namespace'), textOf(dataset, 'name')];
  if (namespace === undefined || name === undefined) return undefined;
  return { urn: datasetUrn({ namespace, name }), name, facets: objectOf(memberOf(dataset, 'facets')) };
}

interface OfJob {
  readonly time: number;
  readonly inputs: readonly NamedDataset[];
  readonly outputs: readonly NamedDataset[];
  readonly toldOfDatasets: readonly Told[];
}

/** Everything that an event of a run or a job tells; the run alone is refused where it has no UUID. */
function ofJob(
  event: Facets,
  job: Facets,
  { time, inputs, outputs, toldOfDatasets }: OfJob,
): { readonly told: readonly Told[] } | RefusedLineage {
  const run = memberOf(event, 'run');
  const runId = textOf(objectOf(run), 'runId');
  if (run !== undefined && (runId === undefined || !isUuid(runId.toLowerCase())))
    return refused('/run/runId', 'is a UUID');
  const facets = objectOf(memberOf(job, 'facets'));
  const parent = objectOf(memberOf(objectOf(memberOf(objectOf(run), 'facets')), 'parent'));
  const names = jobNames(
    { namespace: textOf(job, 'namespace')!, name: textOf(job, 'name')! },
    {
      facets,
      parentJob: textOf(objectOf(memberOf(parent, 'job')), 'name'),
      producer: textOf(event, 'producer') ?? '',
      moves: inputs.length + outputs.length > 0,
    },
  );
  const told: Told[] = [];
  // Where the flow is the parent it tells of itself: what a step knows of it would take away what it said.
  if (!names.isTold) {
    const about = names.job === undefined ? aboutJob(facets) : {};
    const value = { customProperties: {}, name: names.flow, ...about };
    told.push({ urn: names.flowUrn, aspect: 'dataFlowInfo', value });
  }
  if (names.job !== undefined) {
    const type = { string: names.orchestrator.toUpperCase() };
    const value = { name: names.job, type, flowUrn: names.flowUrn, ...aboutJob(facets) };
    told.push({ urn: names.urn, aspect: 'dataJobInfo', value });
  }
  told.push(...toldOfDatasets);
  const state = (textOf(event, 'eventType') ?? (run === undefined ? 'COMPLETE' : 'OTHER')).toUpperCase();
  const moves = inputsAndOutputs(inputs, outputs);
  // Datasets of a run come in pieces: what is half told before its end would take away what was told by the run before.
  const isWhole = inputs.length > 0 && outputs.length > 0;
  const ends = state === 'COMPLETE' && inputs.length + outputs.length > 0;
  if (names.job !== undefined && (isWhole || ends))
    told.push({ urn: names.urn, aspect: 'dataJobInputOutput', value: moves });
  if (runId !== undefined) {
    const parentRun = textOf(objectOf(memberOf(parent, 'run')), 'runId');
    told.push(
      ...ofRun(runId.toLowerCase(), {
        name: textOf(job, 'name')!,
        template: names.urn,
        parentRun,
        state,
        time,
      }),
    );
  }
  return { told };
}

function aboutJob(facets: Facets): object {
  const description = textOf(objectOf(memberOf(facets, 'documentation')), 'description');
  const externalUrl = textOf(objectOf(memberOf(facets, 'sourceCodeLocation')), 'url');
  return {
    ...(externalUrl === undefined ? {} : { externalUrl }),
    ...(description === undefined ? {} : { description }),
  };
}

/** How a run ended, in DataHub's words, by the state that OpenLineage names. */
const results: Readonly<Record<string, string>> = { COMPLETE: 'SUCCESS', FAIL: 'FAILURE', ABORT: 'SKIPPED' };

interface Run {
  readonly name: string;
  /** URN of the job or flow. */
  readonly template: string;
  readonly parentRun: string | undefined;
  readonly state: string;
  readonly time: number;
}

/** A run at its start and at its end; in between nothing about it changes. */
function ofRun(runId: string, { name, template, parentRun, state, time }: Run): Told[] {
  const urn = runUrn(runId);
  const result = Object.hasOwn(results, state) ? results[state] : undefined;
  if (result === undefined && state !== 'START') return [];
  const relationships = {
    parentTemplate: template,
    ...(parentRun === undefined || !isUuid(parentRun.toLowerCase())
      ? {}
      : { parentInstance: runUrn(parentRun.toLowerCase()) }),
    upstreamInstances: [],
  };
  const progress =
    result === undefined
      ? { timestampMillis: time, status: 'STARTED' }
      : { timestampMillis: time, status: 'COMPLETE', result: { type: result, nativeResultType: state } };
  const started = { customProperties: {}, name, created: { time, actor: unknownActor } };
  return [
    ...(state === 'START' ? [{ urn, aspect: 'dataProcessInstanceProperties', value: started }] : []),
    { urn, aspect: 'dataProcessInstanceRelationships', value: relationships },
    { urn, aspect: 'dataProcessInstanceRunEvent', value: progress },
  ];
}

/** Who sent it, and how it names itself; beside the event, never decided by. */
function sourceOf(event: Facets, job: Facets): Source {
  const foreign = new Map<string, string>();
  const note = (name: string, text: string | undefined): void => {
    if (text !== undefined && text.length <= 1_024) foreign.set(name, text);
  };
  note('producer', textOf(event, 'producer'));
  note('schemaURL', textOf(event, 'schemaURL'));
  note('eventType', textOf(event, 'eventType'));
  const namespace = textOf(job, 'namespace');
  note('job.namespace', namespace === undefined ? undefined : shownNamespace(namespace));
  note('job.name', textOf(job, 'name'));
  const runId = textOf(objectOf(memberOf(event, 'run')), 'runId') ?? '';
  return { plugin: 'openlineage', version: '', runId: isUuid(runId.toLowerCase()) ? runId : '', foreign };
}
