// A thread that folds a share of a history into an index and puts on record what it finished. Told to stop it stops between two
// batches.
import { parentPort, workerData } from 'node:worker_threads';
import { openPorts } from '../composition/compose.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { projectionNamed } from '../projections/registry.ts';
import { openEventDecoders } from '../streams/event-decoders.ts';
import { fillIndex } from '../streams/fill-index.ts';
import { modelOfLog } from '../streams/own-model.ts';
import type { FillNews, FillOrder } from './fill-messages.ts';

const order = workerData as FillOrder;
const port = parentPort!;
const stopping = new AbortController();
port.once('message', () => stopping.abort());
const tell = (news: FillNews): void => port.postMessage(news);

async function fill(): Promise<void> {
  const projection = projectionNamed(order.projection)!;
  await using ports = await openPorts(order.settings, () => undefined);
  const { archive: store, clock } = ports;
  const index = await modelOfLog(ports.readModel, order.log).open(order.index, projection.definition);
  if (index === undefined) throw new Fault('MODEL_UNAVAILABLE', { missing: order.index });
  const history = { store, epochs: order.epochs, decoders: openEventDecoders(store.truth) };
  const { until, id, share } = order;
  const task = {
    ...{ projection, until, index, share, signal: stopping.signal },
    record: { id, clock },
  };
  await fillIndex(history, task, (done) => tell({ done }));
}

try {
  await fill();
  tell({ over: true });
} catch (error) {
  // Anything else is a defect: it ends the thread, and the rebuild with it.
  if (isFault(error)) tell({ fault: error.code, facts: error.facts });
  else if (!stopping.signal.aborted) throw error;
} finally {
  port.close();
}
