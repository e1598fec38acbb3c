import { readEpochs } from '../../streams/epochs.ts';
import { openEventDecoders } from '../../streams/event-decoders.ts';
import type { History } from '../../streams/fold-history.ts';
import { archiveCut } from '../../streams/history-cut.ts';
import { readArchive } from '../archive-reading.ts';
import { readConfig } from '../config.ts';
import { withScratch } from '../scratch-state.ts';
import { type Options, type Session, textOf } from './session.ts';

/** All that the configured archive, or the folder of `--archive`, holds by now; nothing is written into it. */
export async function withHistory<Made>(
  session: Session,
  options: Options,
  work: (history: History) => Promise<Made>,
): Promise<Made> {
  const config = readConfig(session.io.env, { data: session.data });
  await using archive = await readArchive(config, { folder: textOf(options, 'archive'), change: false });
  await using scratch = await withScratch(archive.store);
  const { store } = scratch;
  const epochs = await readEpochs(store.truth);
  const decoders = openEventDecoders(store.truth);
  return await work({ store, epochs, until: await archiveCut(store, epochs), decoders });
}
