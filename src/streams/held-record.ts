import type { ETag, StateStore } from '../ports/archive.ts';

/** A record in the state store in the hands of the one who may change it. */
export interface HeldRecord<Kept> {
  readonly now: Kept;
  /** Writes a change of it, after those asked for before. Rejects with what `stillOurs` throws: it then stands as it was. */
  note(change: (now: Kept) => Kept): Promise<void>;
}

export interface RecordPlace<Kept> {
  readonly state: StateStore;
  readonly name: string;
  readonly bytesOf: (record: Kept) => Buffer;
  /** Looks at what stands there when a write found another tag; throws where it is in other hands. */
  readonly stillOurs: (found: Buffer | undefined) => void;
}

/** Writes by compare-and-swap from `begun` on; a write of our own whose answer was lost is written once more. */
export function heldRecord<Kept>(
  { state, name, bytesOf, stillOurs }: RecordPlace<Kept>,
  begun: Kept,
  begunTag: ETag | null,
): HeldRecord<Kept> {
  let [now, etag] = [begun, begunTag];
  let turn: Promise<unknown> = Promise.resolve();

  async function write(change: (now: Kept) => Kept): Promise<void> {
    const next = change(now);
    for (;;) {
      const written = await state.write(name, bytesOf(next), etag);
      if (written !== 'changed') {
        [now, etag] = [next, written];
        return;
      }
      const found = await state.read(name);
      stillOurs(found?.bytes);
      etag = found?.etag ?? null;
    }
  }

  return {
    get now() {
      return now;
    },
    note(change) {
      const noted = turn.then(() => write(change));
      // Whoever noted it is told; the next note stands for itself.
      turn = noted.catch(() => undefined);
      return noted;
    },
  };
}
