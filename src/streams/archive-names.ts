import type { SchemaRef } from '../ports/schema-registry.ts';

/** Where things stand in the archive's two containers (docs/formats/archive.md). `topic` is the log's name. */
export interface LaneName {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
}

const offsetDigits = 20;

const lanePath = ({ topic, epoch, partition }: LaneName): string => `${topic}/${epoch}/${partition}`;

export const segmentsOf = (lane: LaneName): string => `segments/${lanePath(lane)}/`;
export const segmentName = (lane: LaneName, first: number): string =>
  `${segmentsOf(lane)}${String(first).padStart(offsetDigits, '0')}.avro`;

/** First offset of a segment by its name; undefined for a name that no archiver gives. */
export function firstOf(name: string): number | undefined {
  const match = /\/([0-9]{20})\.avro$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export const tailName = (lane: LaneName): string => `tail/${lanePath(lane)}.avro`;
export const leavesOf = (lane: LaneName): string => `leaves/${lanePath(lane)}/`;
export const leavesName = (lane: LaneName, first: number): string =>
  `${leavesOf(lane)}${String(first).padStart(offsetDigits, '0')}`;
export const epochsPrefix = 'epochs/';
export const epochName = (epoch: number): string => `${epochsPrefix}${epoch}.json`;
/** Says that an epoch is closed; not listed among the epochs. */
export const closingName = (epoch: number): string => `${epochsPrefix}${epoch}.closing`;
export const schemaName = (sha256: string): string => `schemas/${sha256}.json`;
export const schemaRefName = ({ kind, id }: SchemaRef): string => `schemas/refs/${kind}/${id}.json`;
/** State: what a rebuild under way has to be gone on with, and which indexes stay beside the one that serves. */
export const jobName = (projection: string): string => `rebuilds/${projection}/job.json`;
export const keptName = (projection: string): string => `rebuilds/${projection}/kept.json`;
/** State: finished pieces of one rebuild, gone at its end. */
export const workOf = (id: string): string => `rebuilds/${id}/`;
/** What a fold of this id puts down meanwhile. */
export const foldsOf = (id: string): string => `${workOf(id)}fold/`;
/** State: runs that publish history into topics of their own, one file a topic. */
export const restoresPrefix = 'restored/';
export const restoreName = (topic: string): string => `${restoresPrefix}${topic}.json`;
/** Who folds which unit of a rebuild that several processes share. */
export const unitClaimsOf = (id: string): string => `${workOf(id)}claims/`;
/** State: which rebuild a run of several processes made, or how it failed. */
export const runName = (projection: string, run: string): string => `rebuilds/${projection}/runs/${run}.json`;
/** State: reports of recoveries and drills. */
export const drillsPrefix = 'drills/';
export const drillName = (id: string): string => `${drillsPrefix}${id}.note`;
export const reportsOf = (projection: string): string => `rebuilds/${projection}/reports/`;
export const reportName = (projection: string, id: string): string => `${reportsOf(projection)}${id}.note`;
/** State: the code of a fold, by the SHA-256 of its bundle. */
export const bundleName = (sha256: string): string => `rebuilds/folds/${sha256}.json`;
/** State: which versions of a schema should not be used any more, by the SHA-256 of its name. */
export const deprecatedPrefix = 'schemas/deprecated/';
export const deprecatedName = (sha256: string): string => `${deprecatedPrefix}${sha256}.json`;
/** The topic that producers write to who speak Kafka themselves. */
export const inboxOf = (name: string): string => `${name}.inbox`;
/** Under which the schema of a topic's records is registered. */
export const subjectOf = (name: string): string => `${name}-value`;
/** State: what the last comparison with the archive found. */
export const driftName = (projection: string): string => `rebuilds/${projection}/drift.json`;
/** State: who holds its lanes for a barrier; each is gone with it. */
export const barrierAcksOf = (projection: string, barrier: string): string =>
  `rebuilds/${projection}/barrier/${barrier}/`;
export const barrierAckName = (projection: string, barrier: string, member: string): string =>
  `${barrierAcksOf(projection, barrier)}${member}.json`;
export const claimName = (projection: string): string => `rebuilds/${projection}.lock`;
