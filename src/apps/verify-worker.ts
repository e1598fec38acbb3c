// A thread that looks at lanes of an archive, one after the other, each when it is told of it. It writes nothing, so it may be
// ended at any moment.
import { parentPort, workerData } from 'node:worker_threads';
import { readFolder } from '../composition/archive-reading.ts';
import { isFault } from '../domain/fault.ts';
import { type LaneTask, type LaneVerifier, laneVerifier } from '../streams/verify-lane-task.ts';
import type { ArchivePlace, LaneNews } from './verify-messages.ts';

const place = workerData as ArchivePlace;
const port = parentPort!;
const tell = (news: LaneNews): void => port.postMessage(news);

async function open(): Promise<LaneVerifier> {
  if ('folder' in place) return laneVerifier(readFolder(place.folder));
  // Libraries of servers, which a folder does not need.
  const { openPorts } = await import('../composition/compose.ts');
  const { archive: store, clock } = await openPorts(place.settings, () => undefined);
  return laneVerifier({ store, clock });
}

const opened = open();

async function look(task: LaneTask): Promise<void> {
  try {
    const verify = await opened;
    tell({ answer: await verify(task, (records, bytes) => tell({ records, bytes })) });
  } catch (error) {
    // Anything else is a defect: it ends the thread, and the verification with it.
    if (!isFault(error)) throw error;
    tell({ fault: error.code, facts: error.facts });
  }
}

port.on('message', (task: LaneTask) => void look(task));
