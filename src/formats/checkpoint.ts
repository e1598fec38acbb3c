import { Fault } from '../domain/fault.ts';
import type { TreeHead } from './leaf.ts';
import { decoded } from './note-key.ts';

/** What a checkpoint says (C2SP tlog-checkpoint): the first `size` entries of the log `origin` have this root. */
export interface Checkpoint extends TreeHead {
  readonly origin: string;
}

const originText = /^[^\s+\p{Cc}]+$/u;
const sizeText = /^(?:0|[1-9][0-9]{0,15})$/;

const isCheckpoint = ({ origin, size, root }: Checkpoint): boolean =>
  originText.test(origin) && Number.isSafeInteger(size) && size >= 0 && root.length === 32;

/** Three lines: origin, size, root in base64. RangeError for what is no checkpoint. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  if (!isCheckpoint(checkpoint)) throw new RangeError('no checkpoint');
  const { origin, size, root } = checkpoint;
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** Of the text of a note. Further lines are refused, as nobody could audit them. Throws `NOTE_INVALID`. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, encoded, end, ...more] = text.split('\n');
  const root = decoded(encoded);
  if (origin === undefined || size === undefined || root === undefined || end !== '' || more.length > 0)
    throw new Fault('NOTE_INVALID', { reason: 'not the three lines of a checkpoint' });
  const checkpoint = { origin, size: sizeText.test(size) ? Number(size) : -1, root };
  if (!isCheckpoint(checkpoint)) throw new Fault('NOTE_INVALID', { reason: 'no origin, size and root' });
  return checkpoint;
}
