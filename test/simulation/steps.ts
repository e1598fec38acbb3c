import { readSegment } from '../../src/formats/segment.ts';
import type { ArchivePoint } from '../../src/streams/archive-lane.ts';
import type { MetaPoint } from '../../src/streams/meta-log.ts';

/** A call of the archive's port. */
export interface StoreCall {
  readonly call: 'create' | 'read' | 'list' | 'write' | 'append' | 'replace' | 'remove' | 'lease' | 'release';
  readonly kind: 'truth' | 'state';
  readonly name: string;
  readonly bytes?: Buffer;
  readonly etag?: string | null;
}

/** Steps of an archiver: each call of a port, by what it is made for. Each is a place to crash at. */
export const writes = [
  'create segment',
  'create hole',
  'create gap',
  'create checkpoint',
  'make tail',
  'trim tail',
  'append tail',
  'write head',
  'write newest',
  'write tile',
  'replace tile',
  'remove tile',
  'replace index',
  'replace base',
  'write base',
  'remove base',
  'take lease',
  'release lease',
  'decide cut',
  'store meta tile',
  'remove meta tile',
  'write meta head',
  'create cuts',
  'create meta checkpoint',
  'write meta newest',
] as const;

export const reads = [
  'list segments',
  'list checkpoints',
  'list tiles',
  'read segment',
  'read checkpoint',
  'read tail',
  'read head',
  'read newest',
  'read tile',
  'read base',
  'list base',
  'open reader',
  'pull records',
  'ask bounds',
  'read cut',
  'read meta tile',
  'read meta head',
  'list cuts',
  'read cuts',
  'list meta checkpoints',
  'read meta checkpoint',
  'read meta newest',
] as const;

const points: Readonly<Record<ArchivePoint, true>> = {
  'before-flush': true,
  'after-flush': true,
  'before-seal': true,
  'after-seal': true,
  'after-trim': true,
  'before-tiles': true,
  'after-tiles': true,
  'after-progress': true,
  'before-checkpoint': true,
  'after-checkpoint': true,
  'after-newest': true,
};

const metaPoints: Readonly<Record<MetaPoint, true>> = {
  'before-cut': true,
  'after-cut': true,
  'before-tiles': true,
  'after-tiles': true,
  'after-progress': true,
  'after-kept-cuts': true,
  'before-checkpoint': true,
  'after-checkpoint': true,
  'after-newest': true,
};

/** A point of the meta log, by a name that no lane has. */
export const metaProbe = (point: MetaPoint): string => `meta ${point}`;

/** Named points between the steps. */
export const probes: readonly string[] = [
  ...Object.keys(points),
  ...(Object.keys(metaPoints) as readonly MetaPoint[]).map(metaProbe),
];

/** Whether a step is one that an archiver is known to take. */
export const isKnown = (step: string): boolean =>
  [writes, reads, probes].some((list: readonly string[]) => list.includes(step));

/** What a call is made for, as one of the steps; anything else is told by call and folder. */
export function stepOf({ call, kind, name, bytes, etag }: StoreCall): string {
  const [top = ''] = name.split('/', 1);
  if (call === 'lease' || call === 'release') return call === 'lease' ? 'take lease' : 'release lease';
  if (/\/meta\//.test(name)) return stepOfMeta(call, name);
  if (kind === 'truth') {
    if (top === 'segments' && call === 'create') return `create ${kindOf(bytes!)}`;
    const what = top === 'segments' ? 'segment' : top === 'checkpoints' ? 'checkpoint' : top;
    return call === 'list' && what !== top ? `list ${what}s` : `${call} ${what}`;
  }
  if (top === 'tail' && call === 'write') return etag === null ? 'make tail' : 'trim tail';
  if (top === 'tail') return `${call} tail`;
  if (top !== 'trees') return `${call} ${top}`;
  if (name.endsWith('/head.json')) return `${call} head`;
  if (name.endsWith('/checkpoint')) return `${call} newest`;
  return call === 'list' ? 'list tiles' : `${call} tile`;
}

/** The same in the tree of published cuts. */
function stepOfMeta(call: StoreCall['call'], name: string): string {
  if (name.startsWith('checkpoints/')) return `${call} meta checkpoint${call === 'list' ? 's' : ''}`;
  if (name.endsWith('/next.json')) return call === 'read' ? 'read cut' : 'decide cut';
  if (name.endsWith('/head.json')) return `${call} meta head`;
  if (name.endsWith('/checkpoint')) return `${call} meta newest`;
  if (call === 'list') return 'list meta tiles';
  return call === 'write' || call === 'replace' ? 'store meta tile' : `${call} meta tile`;
}

function kindOf(bytes: Buffer): string {
  const { kind } = readSegment(bytes).header;
  return kind === 'data' ? 'segment' : kind;
}
