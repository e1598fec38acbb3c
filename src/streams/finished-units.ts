import { Fault } from '../domain/fault.ts';
import type { StateStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';
import type { LaneProgress, Unsearchable } from '../ports/read-model.ts';
import { workOf } from './archive-names.ts';
import type { FoldCounts } from './fold-history.ts';

/** What a unit of a rebuild left behind, all of it stored in the index. */
export interface FinishedUnit {
  readonly name: string;
  readonly counts: FoldCounts;
  /** Where the lanes of its chain end. */
  readonly lanes: readonly LaneProgress[];
  readonly unindexable: readonly Unsearchable[];
  /** Digest of what searches should find of its documents. */
  readonly search: string;
  /** Entries of the root, 64 bytes a document. */
  readonly entries: Buffer;
}

/** How the finished units of a rebuild are put on record. */
export interface UnitRecord {
  /** Of the rebuild. */
  readonly id: string;
  readonly clock: Clock;
  /** See `recordEveryMs`. */
  readonly everyMs?: number;
}

const unitsOf = (id: string): string => `${workOf(id)}units/`;

/**
 * Puts units on record in the archive's state, where whoever goes on with the rebuild finds them, on whatever machine: one blob,
 * a line of JSON and the entries of all. `attempt` ends its name where others may record the same unit: nobody writes over what
 * another one put there, and a unit that is there twice counts once.
 */
export async function recordUnits(
  state: StateStore,
  id: string,
  units: readonly FinishedUnit[],
  attempt = '',
): Promise<void> {
  const [first] = units;
  if (first === undefined) return;
  const told = units.map(({ entries, ...unit }) => ({ ...unit, entryBytes: entries.length }));
  const bytes = Buffer.concat([
    Buffer.from(`${JSON.stringify(told)}\n`),
    ...units.map(({ entries }) => entries),
  ]);
  await state.replace(`${unitsOf(id)}${first.name}${attempt}`, bytes);
}

/** The units on record, by name. */
export async function finishedUnits(
  state: StateStore,
  id: string,
): Promise<ReadonlyMap<string, FinishedUnit>> {
  const units = new Map<string, FinishedUnit>();
  const names: string[] = [];
  for await (const { name } of state.list(unitsOf(id))) names.push(name);
  for (const name of names) {
    const found = await state.read(name);
    for (const unit of unitsIn(name, found?.bytes ?? Buffer.alloc(0))) units.set(unit.name, unit);
  }
  return units;
}

function* unitsIn(blob: string, bytes: Buffer): Generator<FinishedUnit> {
  const lineEnd = bytes.indexOf(0x0a);
  if (lineEnd < 0) throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'no record of finished units' });
  const told = JSON.parse(bytes.toString('utf8', 0, lineEnd)) as readonly (Omit<FinishedUnit, 'entries'> & {
    readonly entryBytes: number;
  })[];
  let at = lineEnd + 1;
  for (const { entryBytes, ...unit } of told) {
    yield { ...unit, entries: bytes.subarray(at, at + entryBytes) };
    at += entryBytes;
  }
  if (at !== bytes.length) throw new Fault('ARCHIVE_CORRUPT', { blob, reason: 'not as long as it says' });
}
