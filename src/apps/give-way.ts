import { constants, setPriority } from 'node:os';

/** Work of this process from now on, and of threads that it starts, waits while others have some. */
export function giveWay(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Where a process may not even lower itself it goes on as it is.
  }
}
