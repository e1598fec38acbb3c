import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Work of this process from now on, and of threads that it starts, waits while others have some; so do the threads that Node has
 * before the first line runs, which compile and collect.
 */
export function giveWay(): void {
  for (const thread of threadsHere())
    try {
      setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // Where a process may not even lower itself, and of a thread that has ended, it goes on as it is.
    }
}

/** Linux has a priority for each thread, by its number; elsewhere there is one for the process, which is called 0. */
function threadsHere(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [0];
  }
}
