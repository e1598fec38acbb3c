import { folderReading } from '../adapters/folder/reading.ts';
import { systemClock } from '../adapters/system/clock.ts';
import type { ArchiveStore } from '../ports/archive.ts';
import type { Clock } from '../ports/clock.ts';

/** An archive in a folder, to be looked at whoever works on it; nothing else is opened. */
export const readFolder = (dir: string): { readonly store: ArchiveStore; readonly clock: Clock } => ({
  store: folderReading({ dir }),
  clock: systemClock,
});
