/**
 * Where an event stands: `epoch` (one topic made once, 1-511), `partition` (0-511), `offset` (0 … 2^44-1, inclusive).
 * All three are plain numbers: the bounds keep every version below 2^53.
 */
export interface Position {
  readonly epoch: number;
  readonly partition: number;
  readonly offset: number;
}

export const epochMax = 511;
export const partitionMax = 511;
/** Exclusive end of offsets; also the largest `next`. */
export const offsetEnd = 2 ** 44;

const positionTextMax = 32;
const positionText = /^(0|[1-9][0-9]*)-(0|[1-9][0-9]*)-(0|[1-9][0-9]*)$/;

export const isPosition = ({ epoch, partition, offset }: Position): boolean =>
  Number.isInteger(epoch) &&
  epoch >= 1 &&
  epoch <= epochMax &&
  Number.isInteger(partition) &&
  partition >= 0 &&
  partition <= partitionMax &&
  Number.isInteger(offset) &&
  offset >= 0 &&
  offset < offsetEnd;

/** The frozen text form `<epoch>-<partition>-<offset>` (docs/formats/positions.md). */
export const formatPosition = ({ epoch, partition, offset }: Position): string =>
  `${epoch}-${partition}-${offset}`;

/** Reads the frozen text form; undefined for anything that would not print as the same text. */
export function parsePosition(text: string): Position | undefined {
  if (text.length > positionTextMax) return undefined;
  const match = positionText.exec(text);
  if (match === null || match[0] !== text) return undefined;
  const position = { epoch: Number(match[1]), partition: Number(match[2]), offset: Number(match[3]) };
  return isPosition(position) ? position : undefined;
}

/** Version of a document whose last event stands at `position`: epoch · 2^44 + offset, below 2^53. */
export const versionOf = ({ epoch, offset }: Pick<Position, 'epoch' | 'offset'>): number =>
  epoch * offsetEnd + offset;

/** Epoch and offset of a document version; the partition is not part of a version. */
export const splitVersion = (version: number): { epoch: number; offset: number } => ({
  epoch: Math.floor(version / offsetEnd),
  offset: version % offsetEnd,
});
