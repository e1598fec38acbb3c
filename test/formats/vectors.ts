import { readFileSync } from 'node:fs';
import type { LogRecord, MetadataChangeEvent } from '../../src/domain/event.ts';

export interface EventJson extends Omit<MetadataChangeEvent, 'value' | 'source'> {
  value: string | null;
  source: { plugin: string; version: string; runId: string; foreign: Record<string, string> } | null;
}

interface RecordJson {
  name: string;
  offset: number;
  appendTime: number;
  keyHex: string | null;
  valueHex: string | null;
  headers: { nameHex: string; valueHex: string | null }[];
  avro: string;
  record: string;
}

export interface DocumentJson {
  id: string;
  version: number;
  body: string;
  bucket: number;
  keyHash: string;
  docHash: string;
  bucketHash: string;
}

export interface SegmentJson {
  name: string;
  path: string | null;
  codec: 'null' | 'deflate' | 'zstandard';
  meta: Record<string, string>;
  recordsPerBlock: number[];
  recordHashes: string[];
  sha256: string;
  file: string;
}

interface Vectors {
  schemas: Record<'MetadataChangeEvent' | 'SegmentRecord', { canonical: string; sha256: string }>;
  events: { name: string; event: EventJson; avro: string; length: number; prefixLength: number }[];
  framing: { schemaId: number; payload: string; value: string }[];
  partitions: { key: string; murmur2: number; partition: Record<string, number> }[];
  murmur2Published: { key: string; signed: number }[];
  records: RecordJson[];
  tree: {
    leaves: { offset: number; avro: string; text: string; leaf: string }[];
    withMissing: { texts: string[]; root: string; size: number; next: number };
    largest: { text: string; recordOf: string };
    roots: Record<string, string>;
    tilesOf257: Record<string, string>;
    metaLeaf: { text: string; leaf: string };
    published: {
      leaves: string[];
      roots: Record<string, string>;
      helloWorld: string;
      event0to2: string;
      event0to69999: string;
    };
  };
  positions: {
    accept: { text: string; epoch: number; partition: number; offset: number; version: number }[];
    refuse: string[];
  };
  cuts: { accept: { text: string; epoch: number; next: number[] }[]; refuse: string[] };
  roots: { name: string; documents: DocumentJson[] | null; root: string }[];
  sync: { topic: string; epoch: number; partition: number; sync: string }[];
  segments: SegmentJson[];
  uuid8: { tuple: string[]; uuid: string }[];
  verdicts: { text?: string; hex?: string; verdict: string }[];
}

const file = new URL('../golden/vectors.json', import.meta.url);

/** The golden bytes, made by an implementation that shares nothing with this one. Never regenerated. */
export const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

/** Tails of compressed blocks, made likewise; blocks begin behind `headerBytes`. */
export const tails = JSON.parse(
  readFileSync(new URL('../golden/tails.json', import.meta.url), 'utf8'),
) as (SegmentJson & { headerBytes: number })[];

export const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const hexOrNull = (text: string | null): Buffer | null => (text === null ? null : hex(text));

/** The event of a vector in the product's own terms. */
export const eventOf = ({ source, value, ...rest }: EventJson): MetadataChangeEvent => ({
  ...rest,
  source: source === null ? null : { ...source, foreign: new Map(Object.entries(source.foreign)) },
  value: value === null ? null : Buffer.from(value),
});

export const recordOf = ({ offset, appendTime, keyHex, valueHex, headers }: RecordJson): LogRecord => ({
  offset,
  appendTime,
  key: hexOrNull(keyHex),
  value: hexOrNull(valueHex),
  headers: headers.map(({ nameHex, valueHex: value }) => [hex(nameHex), hexOrNull(value)]),
});
