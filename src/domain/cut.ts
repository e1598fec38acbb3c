import { epochMax, offsetEnd, type Position, partitionMax } from './position.ts';

/**
 * A border through the log: within `epoch`, per partition the exclusive end of what lies before it. Everything of
 * earlier epochs lies before it. 1 to 512 partitions; each `next` 0 … 2^44.
 */
export interface Cut {
  readonly epoch: number;
  readonly next: readonly number[];
}

const cutTextMax = 8_192;
const cutText = /^(0|[1-9][0-9]*):((?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*)$/;

/** The frozen text form `<epoch>:<next0>.<next1>…` (docs/formats/positions.md). */
export const formatCut = ({ epoch, next }: Cut): string => `${epoch}:${next.join('.')}`;

/** Reads the frozen text form; undefined for anything that would not print as the same text. */
export function parseCut(text: string): Cut | undefined {
  if (text.length > cutTextMax) return undefined;
  const match = cutText.exec(text);
  if (match === null || match[0] !== text) return undefined;
  const epoch = Number(match[1]);
  const next = match[2]!.split('.').map(Number);
  const within = epoch >= 1 && epoch <= epochMax && next.length <= partitionMax + 1;
  return within && next.every((end) => end <= offsetEnd) ? { epoch, next } : undefined;
}

/** The cut before the first event of `epoch`. */
export const startOf = (epoch: number, partitions: number): Cut => ({
  epoch,
  next: new Array<number>(partitions).fill(0),
});

/** Whether `position` lies before `cut`. A partition the cut does not name has nothing before it in that epoch. */
export const isBefore = (position: Position, cut: Cut): boolean =>
  position.epoch < cut.epoch ||
  (position.epoch === cut.epoch && position.offset < (cut.next[position.partition] ?? 0));
