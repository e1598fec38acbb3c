import { Fault } from '../domain/fault.ts';
import { epochMax, offsetEnd, partitionMax } from '../domain/position.ts';
import { type BlockCodec, isBlockCodec } from './block-codec.ts';
import { recordSchemaText } from './record-view.ts';

/**
 * `first` (inclusive) and `next` (exclusive) stand in every file but the tail; `reason` in holes and gaps.
 */
export interface SegmentHeader {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly kind: 'data' | 'hole' | 'gap';
  readonly first?: number;
  readonly next?: number;
  readonly reason?: 'sparse' | 'retention';
  readonly codec: BlockCodec;
}

const reasons = { data: undefined, hole: 'sparse', gap: 'retention' } as const;
/** The container metadata of a header; AVRO_INVALID for a header that no file may have. */
export function metaOf(header: SegmentHeader): Map<string, string> {
  const { topic, epoch, partition, kind, first, next, codec } = header;
  const meta = new Map([
    ['annal.topic', topic],
    ['annal.epoch', String(epoch)],
    ['annal.partition', String(partition)],
    ['annal.kind', kind],
    ['avro.codec', codec],
    ['avro.schema', recordSchemaText],
  ]);
  if (first !== undefined) meta.set('annal.first', String(first));
  if (next !== undefined) meta.set('annal.next', String(next));
  const reason = header.reason ?? reasons[kind];
  if (reason !== undefined) meta.set('annal.reason', reason);
  headerOf(meta);
  return meta;
}

const headerKeys = new Set(
  ['epoch', 'first', 'kind', 'next', 'partition', 'reason', 'topic'].map((key) => `annal.${key}`),
);

/**
 * The header that container metadata spell; AVRO_INVALID unless it is one this format knows, to the letter.
 */
export function headerOf(meta: ReadonlyMap<string, string>): SegmentHeader {
  const refuse = (reason: string): never => {
    throw new Fault('AVRO_INVALID', { reason });
  };
  for (const key of meta.keys()) {
    if (!headerKeys.has(key) && key !== 'avro.codec' && key !== 'avro.schema')
      refuse(`unknown metadata ${key}`);
  }
  const number = (key: string, min: number, max: number): number => {
    const text = meta.get(key) ?? '';
    const value = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : -1;
    return value >= min && value <= max ? value : refuse(`${key} is not a decimal ${min}-${max}`);
  };
  const optional = (key: string): number | undefined =>
    meta.has(key) ? number(key, 0, offsetEnd) : undefined;

  if (meta.get('avro.schema') !== recordSchemaText) refuse('avro.schema is not the schema of records');
  const codec = meta.get('avro.codec') ?? '';
  const topic = meta.get('annal.topic') ?? '';
  const kind = meta.get('annal.kind');
  const reason = meta.get('annal.reason');
  const [first, next] = [optional('annal.first'), optional('annal.next')];
  if (!isBlockCodec(codec)) return refuse('avro.codec is not null, deflate or zstandard');
  if (topic === '') refuse('annal.topic is missing');
  if (kind !== 'data' && kind !== 'hole' && kind !== 'gap')
    return refuse('annal.kind is not data, hole or gap');
  if (reason !== reasons[kind]) refuse(`annal.reason does not fit a ${kind}`);
  const isTail = kind === 'data' && first === undefined && next === undefined;
  if (!isTail && !(first !== undefined && next !== undefined && first < next)) {
    refuse('annal.first and annal.next are no range');
  }
  return {
    topic,
    epoch: number('annal.epoch', 1, epochMax),
    partition: number('annal.partition', 0, partitionMax),
    kind,
    ...(first === undefined ? {} : { first }),
    ...(next === undefined ? {} : { next }),
    ...(reasons[kind] === undefined ? {} : { reason: reasons[kind] }),
    codec,
  };
}
